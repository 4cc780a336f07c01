extension Context where Message: ~Copyable {
  /// Puts a message aside, to be handled after `unstashAll`, and in the end before everything that is queued then. The stash keeps its order, and is kept through a
  /// restart, after which it is replayed.
  ///
  /// `full` gives the message back when the stash holds `SpawnOptions.stashCapacity`; `try context.stash(message).get()` lets the
  /// actor fail then. A message that is in the stash when the actor ends becomes a dead letter.
  ///
  /// A consuming `switch` does not let the whole message be used in its `default`. Ask first, and switch afterwards:
  /// ```swift
  /// if !isReady && message.mustWait { return try context.stash(message).get() }
  /// switch consume message { … }
  /// ```
  public func stash(_ message: consuming Message) -> TrySendOutcome<Message> {
    let annex = cell.annex
    guard annex.stash.count < cell.settings?.stashCapacity ?? SpawnOptions.defaultStashCapacity else {
      return .full(message)
    }
    let parcel = MessageParcel(message)
    if cell.isIntercepted { cell.system.interceptor?.stashes(parcel, in: cell) }
    annex.stash.append(parcel)
    // It will be counted when it has been handled for good.
    Worker.withCurrent { cell.addHandled(-1, $0) }
    return .sent
  }

  /// The stashed messages come next, in the order in which they were stashed.
  public func unstashAll() {
    guard let annex = cell.existingAnnex else { return }
    annex.front.prepend(&annex.stash)
    if annex.hasParcels { cell.hasParcels = true }
  }

  /// How many messages are in the stash.
  public var stashCount: Int { cell.existingAnnex?.stash.count ?? 0 }
}
