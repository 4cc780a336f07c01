internal import CTroupeShims

// An actor that ends leaves its cell, with the memory of its queue and behavior, to the next one that needs
// as much. Most actors have the default options, so there is little to tell them apart; what is left is to be
// written anyway.
extension Cell {
  /// A cell with uninitialized memory at `queue`, for `begin`: used before, if the worker that spawns has one.
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

  /// Gives up one hold on a cell that has ended. If that was the last, and nobody has an address of the
  /// actor, the worker keeps the cell.
  static func letGo(_ held: Unmanaged<Cell>) {
    var cell = held.takeRetainedValue()
    // Whoever held it last did so before this look, which is ordered like the one that precedes a deinit.
    guard cell.sizeClass != 0, isKnownUniquelyReferenced(&cell), !troupe_is_sanitized() else { return }
    let id = cell.schedulerID
    guard Worker.withCurrent({ $0.schedulerID == id }) == true else { return }
    cell.clear()
    let kept = Unmanaged.passRetained(consume cell)
    Worker.withCurrent { $0.keepCell(kept) }
  }
}
