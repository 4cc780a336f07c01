internal import CTroupeShims

/// The right to answer one ask, once. Sending consumes it, so that answering twice does not compile. If it is destroyed
/// without having been used, the ask fails at once.
///
/// To keep one for later, assign it with `self.reply = consume reply` to an optional in a noncopyable behavior, and
/// answer with `reply.take()?.send(…)`; to keep several, use `PendingReplies`.
@frozen public struct Reply<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  @usableFromInline let core: OneShotCore<Value>

  @inlinable init(_ core: OneShotCore<Value>) { self.core = core }

  /// Answers, and never waits. If the asker has given up, the value is destroyed: see `isAbandoned`.
  @inlinable public consuming func send(_ value: consuming sending Value) {
    let core = core
    discard self
    _ = core.send(value)
  }

  /// Fails the ask with an error, which the asker gets as `AskError.Reason.failed`.
  @inlinable public consuming func fail(_ error: any Error) {
    let core = core
    discard self
    core.drop(error)
  }

  /// Whether the asker no longer waits, because its time has passed or it was cancelled. Work that it asked for need
  /// not be done.
  public var isAbandoned: Bool {
    if core.isClosed { return true }
    let deadline = core.deadline
    // By the cheap clock: an actor that sheds messages which nobody waits for calls this for each message.
    return deadline != .max && (Worker.withCurrent { $0.scheduler.coarseNow } ?? troupe_clock_coarse()) >= deadline
  }

  /// How long the asker still waits, on the system's clock: nil without a limit, zero if it waits no longer. A request
  /// that is handed on can carry it: `other.ask(timeout: reply.timeLeft) { … }`.
  public var timeLeft: Duration? {
    let deadline = core.deadline
    if deadline == .max { return nil }
    let now = Worker.withCurrent { $0.scheduler.preciseNow } ?? troupe_clock_now()
    return .nanoseconds(max(0, deadline - now))
  }

  @inlinable deinit { DroppedReply.drop(core.address) }
}

extension Reply where Value == Void {
  /// Answers an ask whose asker only wants to know that the work is done.
  @inlinable public consuming func send() { send(()) }
}

/// A reply that was destroyed without an answer.
@usableFromInline struct DroppedReply {
  let address: UnsafeMutableRawPointer

  /// Fails the ask. Inside a handler this is put off until the handler has returned or thrown: if it throws, the ask
  /// fails with its error.
  @usableFromInline static func drop(_ address: UnsafeMutableRawPointer) {
    let reply = DroppedReply(address: address)
    if LoopExecutor.withCurrentHandler({ $0.drop(reply) }) != nil { return }
    if Worker.withCurrent({ $0.drop(reply) }) == nil { reply.fail(nil) }
  }

  func fail(_ error: (any Error)?) {
    // The type of the value does not matter for a drop, so any will do.
    OneShotCore<Int>(address: address).drop(error)
  }
}
