extension Channel {
  /// A channel for one value.
  @inlinable public static func oneShot<Value: ~Copyable>(of type: Value.Type = Value.self) -> OneShotChannel<Value> {
    let core = OneShotCore<Value>()
    return OneShotChannel(sender: OneShotSender(core), receiver: OneShotReceiver(core))
  }
}

/// Both ends of a one-shot channel. Take it apart: `let sender = channel.sender; let receiver = channel.receiver`.
@frozen public struct OneShotChannel<Value: ~Copyable>: ~Copyable {
  /// The sending end.
  public var sender: OneShotSender<Value>
  /// The receiving end.
  public var receiver: OneShotReceiver<Value>

  @inlinable init(sender: consuming OneShotSender<Value>, receiver: consuming OneShotReceiver<Value>) {
    self.sender = sender
    self.receiver = receiver
  }
}

/// The sending end of a one-shot channel. To send uses it up, so that sending twice does not compile; if it goes without
/// having sent, the receiver learns it at once.
@frozen public struct OneShotSender<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  @usableFromInline let core: OneShotCore<Value>

  @inlinable init(_ core: OneShotCore<Value>) { self.core = core }

  @inlinable deinit { core.drop(nil) }

  /// Sends the value and never waits. If the receiver has closed the channel or is gone, the value comes back.
  @inlinable public consuming func send(_ value: consuming sending Value) -> sending SendOutcome<Value> {
    let core = core
    discard self
    if let refused = core.send(value) { return .closed(disconnected(refused)) }
    return .sent
  }

  /// Nobody listens any more: the receiver has closed the channel or is gone.
  @inlinable public var isClosed: Bool { core.isClosed }

  /// Suspends until nobody listens any more; at once if that is so. Returns early if the task is cancelled.
  nonisolated(nonsending) public mutating func receiverGone() async { await core.waitUntilClosed() }
}

/// What a look at a one-shot channel found.
@frozen public enum OneShotOutcome<Value: ~Copyable>: ~Copyable {
  /// The value.
  case received(Value)
  /// Nothing in time, or nothing yet. A value that comes later is destroyed, where the receiver was used up.
  case timedOut
  /// The sender is gone without having sent, or the receiver was used before.
  case closed
  /// The task was cancelled.
  case cancelled
}

extension OneShotOutcome: Copyable where Value: Copyable {}
extension OneShotOutcome: Sendable where Value: Sendable & ~Copyable {}
extension OneShotOutcome: Equatable where Value: Equatable {}

/// The receiving end of a one-shot channel. To receive uses it up; its end tells the sender.
@frozen public struct OneShotReceiver<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  @usableFromInline let core: OneShotCore<Value>
  /// `tryReceive` has had the value, or has seen that there is none: the memory is no longer ours.
  @usableFromInline var isSpent = false

  @inlinable init(_ core: OneShotCore<Value>) { self.core = core }

  @inlinable deinit {
    if !isSpent { core.abandon() }
  }

  /// Takes the value if it is there. After `received` or `closed`, or once this end is closed and nothing was sent, every
  /// further call says `closed`.
  @inlinable public mutating func tryReceive() -> sending TryReceiveOutcome<Value> {
    if isSpent { return .closed }
    switch core.look() {
    case .value:
      isSpent = true
      return .received(disconnected(core.takeValue()))
    case .dropped:
      isSpent = true
      _ = core.takeFailure()
      return .closed
    case .nothing:
      // Closed by this end before that look: nothing can come any more.
      return core.isClosed ? .closed : .empty
    }
  }

  /// Refuses a value that has not been sent yet; one that was sent can still be received.
  public mutating func close() { if !isSpent { core.close() } }

  /// The value, blocking the thread until it is there. Nil: the sender is gone without having sent, or this end was closed.
  ///
  /// On a worker of an actor system or inside a task, where a thread must not be blocked, it stops the program with a
  /// message once it would have to wait.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await receive()` in asynchronous code; in main.swift, inside an async function"
  )
  @inlinable public consuming func receive() -> sending Value? {
    if !isSpent && core.look() == .value {
      isSpent = true
      return disconnected(core.takeValue())
    }
    switch receiveSlowly(.never) {
    case .received(let value): return disconnected(value)
    default: return nil
    }
  }

  /// The value, blocking the thread for at most `timeout`.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await receive(timeout:)` in asynchronous code; in main.swift, inside an async function"
  )
  public consuming func receive(timeout: Duration) -> sending OneShotOutcome<Value> {
    disconnected(receiveSlowly(Deadline(after: timeout)))
  }

  /// The value, suspending the task until it is there. Nil: the sender is gone without having sent, this end was closed, or
  /// the task was cancelled.
  nonisolated(nonsending) public consuming func receive() async -> sending Value? {
    switch await receiveSlowly(.never) {
    case .received(let value): return disconnected(value)
    default: return nil
    }
  }

  /// The value, suspending the task for at most `timeout`.
  nonisolated(nonsending) public consuming func receive(timeout: Duration) async -> sending OneShotOutcome<Value> {
    disconnected(await receiveSlowly(Deadline(after: timeout)))
  }

  @usableFromInline mutating func receiveSlowly(_ deadline: Deadline) -> OneShotOutcome<Value> {
    while true {
      switch tryReceive() {
      case .received(let value): return .received(value)
      case .closed: return .closed
      case .empty: break
      }
      if deadline.remaining == 0 { return .timedOut }
      _ = core.wait(until: deadline, call: "receive()")
    }
  }

  @usableFromInline
  nonisolated(nonsending)
    mutating func receiveSlowly(_ deadline: Deadline) async -> OneShotOutcome<Value>
  {
    while true {
      core.forgetSignals()
      switch tryReceive() {
      case .received(let value): return .received(value)
      case .closed: return .closed
      case .empty: break
      }
      if Task.isCancelled { return .cancelled }
      if deadline.remaining == 0 { return .timedOut }
      let core = core
      let alarm = Alarm(deadline) { core.wakeReceiver() }
      _ = await core.wait()
      // The alarm touches the memory of this end, so it has to be over before this end is.
      if let alarm { await alarm.stop() }
    }
  }
}
