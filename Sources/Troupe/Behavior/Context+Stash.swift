extension Context where Message: ~Copyable {
  /// Puts a message aside until `unstashAll`. Use it for messages that cannot be handled yet, such as requests that
  /// come before a connection stands.
  ///
  /// The stash keeps its order. At a restart all stashed messages are unstashed, and the next incarnation handles them
  /// first. When the stash holds
  /// `SpawnOptions.stashCapacity` messages the outcome is `full` and gives the message back; let the actor fail then
  /// with `try context.stash(message).get()`. Messages that are in the stash when the actor ends become dead letters.
  ///
  /// A consuming `switch` does not let the whole message be used in its `default`. So decide first, and switch
  /// afterwards:
  /// ```swift
  /// if !isReady && message.mustWait { return try context.stash(message).get() }
  /// switch consume message { … }
  /// ```
  public func stash(_ message: consuming Message) -> TrySendOutcome<Message> {
    let rareState = cell.rareState
    guard rareState.stash.count < cell.settings?.stashCapacity ?? SpawnOptions.defaultStashCapacity else {
      return .full(message)
    }
    let envelope = MessageEnvelope(message)
    if cell.isIntercepted { cell.system.interceptor?.stashes(envelope, in: cell) }
    rareState.stash.append(envelope)
    // The message will be counted when it has been handled for good, so the handler that is running now must not count
    // it.
    Worker.withCurrent { cell.addHandled(-1, $0) }
    return .sent
  }

  /// Lets the actor handle the stashed messages next, in the order in which they were stashed and before everything
  /// that is queued.
  public func unstashAll() {
    guard let rareState = cell.existingRareState else { return }
    rareState.front.prepend(&rareState.stash)
    if rareState.hasEnvelopes { cell.hasEnvelopes = true }
  }

  /// How many messages are in the stash.
  public var stashCount: Int { cell.existingRareState?.stash.count ?? 0 }
}
