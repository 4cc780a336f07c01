internal import CTroupeShims

/// The right to answer one ask, once. To send uses it up, so that answering twice does not compile; if it goes without having
/// sent, the ask fails at once.
///
/// To keep one for later, assign it with `self.reply = consume reply` to an optional in a noncopyable behavior, and answer with
/// `reply.take()?.send(…)`; to keep several, use `PendingReplies`.
@frozen public struct Reply<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  @usableFromInline let core: OneShotCore<Value>

  @inlinable init(_ core: OneShotCore<Value>) { self.core = core }

  /// Answers, and never waits. If the asker has given up, the value is destroyed: see `isAbandoned`.
  @inlinable public consuming func send(_ value: consuming sending Value) {
    let core = core
    discard self
    _ = core.send(value)
  }

  /// Fails the ask with an error.
  @inlinable public consuming func fail(_ error: any Error) {
    let core = core
    discard self
    core.drop(error)
  }

  /// The asker waits no more: its time has passed, or it was cancelled. Work that it asked for need not be done.
  public var isAbandoned: Bool {
    if core.isClosed { return true }
    let deadline = core.deadline
    // By the cheap clock: this is asked for each message where what nobody waits for is shed.
    return deadline != .max && (Worker.withCurrent { $0.scheduler.coarseNow } ?? troupe_clock_coarse()) >= deadline
  }

  /// How long the asker still waits, on the system's clock; nil if without limit, zero if no longer. A request that is handed on can
  /// carry it: `other.ask(timeout: reply.timeLeft) { … }`.
  public var timeLeft: Duration? {
    let deadline = core.deadline
    if deadline == .max { return nil }
    let now = Worker.withCurrent { $0.scheduler.preciseNow } ?? troupe_clock_now()
    return .nanoseconds(max(0, deadline - now))
  }

  @inlinable deinit { DroppedReply.drop(core.address) }
}

extension Reply where Value == Void {
  /// Answers an ask that wants to know only that it was done.
  @inlinable public consuming func send() { send(()) }
}

/// A reply that went without an answer.
@usableFromInline struct DroppedReply {
  let address: UnsafeMutableRawPointer

  /// In a handler, its fate waits for the handler's end: if the handler throws, the ask fails with that error.
  @usableFromInline static func drop(_ address: UnsafeMutableRawPointer) {
    let reply = DroppedReply(address: address)
    if LoopExecutor.withCurrentHandler({ $0.drop(reply) }) != nil { return }
    if Worker.withCurrent({ $0.drop(reply) }) == nil { reply.fail(nil) }
  }

  func fail(_ error: (any Error)?) {
    // What `drop` does has nothing to do with the type of the value.
    OneShotCore<Int>(address: address).drop(error)
  }
}
