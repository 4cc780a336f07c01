import Synchronization

/// A counted reference to an actor whose lifetime is `Lifetime.whileReferenced`; the addresses of such an actor point
/// at handles.
///
/// The actor makes a new handle for every address that it is asked for, and holds none itself. When the last handle has
/// gone the actor ends, as soon as it has nothing left to do; see `Cell.isUnreferenced`. Once the count is zero only
/// the actor itself can make a handle, so its own worker can decide whether it ends.
@usableFromInline final class CountedReference: Recipient, @unchecked Sendable {
  @usableFromInline let target: Cell

  /// Makes a handle that the caller has counted already.
  fileprivate init(_ cell: Cell) {
    target = cell
    super.init(.countedReference)
  }

  deinit {
    guard let settings = target.settings else { return }
    // Acquire-release: whoever sees zero also sees what the other holders did before they let go.
    if settings.handles.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
      target.post(ControlWord.unreferenced)
    }
  }

  @usableFromInline override var cell: Cell { target }
}

extension Cell {
  @usableFromInline func makeHandle() -> Recipient {
    settings?.handles.wrappingAdd(1, ordering: .relaxed)
    return CountedReference(self)
  }

  /// Makes another handle if at least one exists; nil otherwise. From any thread.
  func shareHandle() -> Recipient? {
    guard let handles = settings else { return nil }
    var count = handles.handles.load(ordering: .relaxed)
    while count > 0 {
      let (exchanged, seen) = handles.handles.weakCompareExchange(
        expected: count, desired: count + 1, ordering: .relaxed)
      if exchanged { return CountedReference(self) }
      count = seen
    }
    return nil
  }

  /// Whether nobody has an address of the actor, and nothing is left that would make it do something. Called on the
  /// cell's worker, between messages.
  var isUnreferenced: Bool {
    guard endsUnreferenced, life.phase == .running, !hasEnvelopes, depth == 0,
      settings?.handles.load(ordering: .acquiring) == 0
    else { return false }
    guard let rareState = existingRareState else { return true }
    return rareState.timers?.isEmpty != false && rareState.receiveTimeout == nil && rareState.work.isEmpty
      && rareState.stash.isEmpty
  }
}
