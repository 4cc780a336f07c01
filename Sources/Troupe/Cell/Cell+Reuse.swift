internal import CTroupeShims

/// How the cell of an ended actor, with the memory of its queue and behavior, goes to the next actor that needs as
/// much. Only plain cells are used again, those with default options and no name: what else tells two of them apart has
/// to be written for a new actor anyway.
extension Cell {
  /// Returns a cell with uninitialized memory at `mailbox.queue`, which the caller has to lay out before it calls
  /// `begin`. The cell has been used before if it is to be a plain one and the worker that spawns keeps one of the
  /// size. Called on the thread that spawns.
  @usableFromInline static func take(
    byteCount: Int, alignment: Int, _ options: borrowing SpawnOptions, _ place: borrowing TreePosition
  ) -> Cell {
    let isPlain = options.box == nil && place.name == nil && alignment <= CellCache.step && !place.isIntercepted
    let sizeClass = isPlain ? CellCache.sizeClass(byteCount) : 0
    if sizeClass != 0 {
      let id = place.withTable { $0.unmanagedSystem._withUnsafeGuaranteedRef { $0.schedulerID } }
      let kept = Worker.withCurrent { $0.schedulerID == id ? $0.takeCell(sizeClass) : nil }
      if let kept = kept ?? nil { return kept.takeRetainedValue() }
    }
    return Cell(
      byteCount: sizeClass == 0 ? byteCount : CellCache.byteCount(sizeClass), alignment: alignment,
      sizeClass: sizeClass,
      options: options, place: place)
  }

  /// Gives up one count of a cell that has ended. If that was the last one, so that nobody has an address of the actor
  /// either, the worker that the calling thread is keeps the cell. Otherwise the cell is freed with its last count.
  ///
  /// Under the sanitizers no cell is used again, because that would hide misuse of its memory from them.
  static func letGo(_ held: Unmanaged<Cell>) {
    var cell = held.takeRetainedValue()
    // This look acquires what others released when they gave up their counts, as the one that precedes a deinit does.
    // So all that they did with the cell comes before what happens to it here.
    guard cell.sizeClass != 0, isKnownUniquelyReferenced(&cell), !troupe_is_sanitized() else { return }
    let id = cell.schedulerID
    guard Worker.withCurrent({ $0.schedulerID == id }) == true else { return }
    cell.clear()
    let kept = Unmanaged.passRetained(consume cell)
    Worker.withCurrent { $0.keepCell(kept) }
  }
}
