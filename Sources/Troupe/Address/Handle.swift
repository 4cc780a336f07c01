import Synchronization

/// A counted reference to an actor that lives while somebody has its address: what such an actor's addresses point at.
///
/// The actor makes one for every address that it is asked for, and holds none. When the last has gone it ends, as soon as it has nothing to do
/// any more; see `Cell.isUnreferenced`. Only the actor makes the first one after that, so its own worker can decide.
@usableFromInline final class Handle: Recipient, @unchecked Sendable {
  @usableFromInline let held: Cell

  /// Counted already.
  fileprivate init(_ cell: Cell) {
    held = cell
    super.init(.handle)
  }

  deinit {
    guard let settings = held.settings else { return }
    // Acquire-release: whoever sees zero sees what the holders did before.
    if settings.handles.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
      held.post(ControlWord.unreferenced)
    }
  }

  @usableFromInline override var cell: Cell { held }
}

extension Cell {
  @usableFromInline func makeHandle() -> Recipient {
    settings?.handles.wrappingAdd(1, ordering: .relaxed)
    return Handle(self)
  }

  /// From any thread: a handle if there is another one.
  func shareHandle() -> Recipient? {
    guard let handles = settings else { return nil }
    var count = handles.handles.load(ordering: .relaxed)
    while count > 0 {
      let (exchanged, seen) = handles.handles.weakCompareExchange(
        expected: count, desired: count + 1, ordering: .relaxed)
      if exchanged { return Handle(self) }
      count = seen
    }
    return nil
  }

  /// On the cell's worker, between messages: nobody has an address, and nothing is left that would make the actor do something.
  var isUnreferenced: Bool {
    guard isCounted, phase == .running, !hasParcels, depth == 0,
      settings?.handles.load(ordering: .acquiring) == 0
    else { return false }
    guard let annex = existingAnnex else { return true }
    return annex.timers?.isEmpty != false && annex.receiveTimeout == nil && annex.work.isEmpty && annex.stash.isEmpty
  }
}
