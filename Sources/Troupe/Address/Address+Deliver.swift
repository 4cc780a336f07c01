extension Address where Message: ~Copyable {
  /// Sends a message, suspending the task while the actor's bounded mailbox is full. With an unbounded mailbox it never
  /// waits.
  ///
  /// Waiting tasks get room in the order in which they came. If the actor has ended, the timeout passes, or the task is
  /// cancelled first, the message comes back in the outcome. A handler that delivers to its own actor would wait for
  /// itself: give it a timeout, or use `trySend`.
  /// - Parameters:
  ///   - message: The message to send.
  ///   - timeout: How long to wait at most; nil waits without limit.
  nonisolated(nonsending)
    public func deliver(
      _ message: consuming sending Message, timeout: Duration? = nil
    ) async -> sending WaitingSendOutcome<Message>
  {
    let deadline = timeout.map { Deadline(after: $0) } ?? .never
    let pending: Message
    switch trySend(disconnected(message)) {
    case .sent: return .sent
    case .closed(let message): return .closed(disconnected(message))
    case .full(let message): pending = message
    }
    switch await reserve(until: deadline) {
    case .reserved: break
    case .closed: return .closed(disconnected(pending))
    case .timedOut: return .timedOut(disconnected(pending))
    case .cancelled: return .cancelled(disconnected(pending))
    }
    if !target.isCell && !target.isCountedReference {
      adapter.pass(pending)
      return .sent
    }
    let cell = target.cell
    switch cell.pushReserved(pending) {
    case .done: return .sent
    case .wake:
      cell.schedule()
      return .sent
    case .closed(let message): return .closed(disconnected(message))
    case .full(let message): return .closed(disconnected(message))
    }
  }

  /// Waits for room. This is reached only after the mailbox was full, so the mailbox is bounded.
  private nonisolated(nonsending) func reserve(until deadline: Deadline) async -> SendWaiters.Reserved {
    if !target.isCell && !target.isCountedReference { return await adapter.room.reserve(until: deadline) }
    let cell = target.cell
    guard let waiters = cell.waiters else { return .closed }
    return await waiters.reserve(1, at: MessageQueue<Message>(state: cell.mailbox.queue), until: deadline)
  }
}
