extension Channel {
  /// Makes a channel for one value, as for the answer to a request. It costs one allocation.
  @inlinable public static func oneShot<Value: ~Copyable>(of type: Value.Type = Value.self) -> OneShotChannel<Value> {
    let core = OneShotCore<Value>()
    return OneShotChannel(sender: OneShotSender(core), receiver: OneShotReceiver(core))
  }
}

/// Both ends of a one-shot channel. Take them out of it, in either order:
/// `let sender = channel.sender; let receiver = channel.receiver`.
///
/// Both are used up, so take them in a function: a variable at the top level of main.swift cannot be used up.
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

/// The sending end of a one-shot channel. Sending uses it up, so that sending twice does not compile. If it is
/// dropped without having sent, the receiver learns so at once.
@frozen public struct OneShotSender<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  @usableFromInline let core: OneShotCore<Value>

  @inlinable init(_ core: OneShotCore<Value>) { self.core = core }

  @inlinable deinit { core.drop(nil) }

  /// Sends the value and never waits. If the receiver has closed the channel or is gone, the value comes back in the
  /// outcome.
  @inlinable public consuming func send(_ value: consuming sending Value) -> sending SendOutcome<Value> {
    let core = core
    discard self
    if let refused = core.send(value) { return .closed(disconnected(refused)) }
    return .sent
  }

  /// Whether nobody listens any more, because the receiver has closed the channel or is gone. A sender can look at
  /// this to save itself the work of making the value.
  @inlinable public var isClosed: Bool { core.isClosed }

  /// Suspends the task until nobody listens any more, and returns at once if that is so. It also returns, early, if
  /// the task is cancelled.
  nonisolated(nonsending) public mutating func receiverGone() async { await core.waitUntilClosed() }
}

/// What a timed receive on a one-shot channel has found.
@frozen public enum OneShotOutcome<Value: ~Copyable>: ~Copyable {
  /// The value was taken.
  case received(Value)
  /// The timeout passed before the value came. Where the receive used the receiver up, a value that comes later is
  /// destroyed.
  case timedOut
  /// The sender is gone without having sent, this end was closed, or the value was taken before.
  case closed
  /// The task was cancelled before the value came.
  case cancelled
}

extension OneShotOutcome: Copyable where Value: Copyable {}
extension OneShotOutcome: Sendable where Value: Sendable & ~Copyable {}
extension OneShotOutcome: Equatable where Value: Equatable {}

/// The receiving end of a one-shot channel. A receive that waits uses it up. When it is dropped, the sender is told
/// that nobody listens any more.
@frozen public struct OneShotReceiver<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  @usableFromInline let core: OneShotCore<Value>
  /// Whether `tryReceive` has taken the value or has seen that there will be none. The memory is no longer ours after
  /// that.
  @usableFromInline var isSpent = false

  @inlinable init(_ core: OneShotCore<Value>) { self.core = core }

  @inlinable deinit {
    if !isSpent { core.abandon() }
  }

  /// Takes the value if it is there, without waiting.
  ///
  /// After `received` or `closed`, and once this end is closed and nothing was sent, every further call says
  /// `closed`.
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
      // This end was closed before that look, so nothing can come any more.
      return core.isClosed ? .closed : .empty
    }
  }

  /// Whether nothing is there to receive at the moment, because nothing was sent, or because the value was taken. This
  /// is O(1), and may be out of date as soon as it is returned.
  public var isEmpty: Bool { isSpent || core.look() != .value }

  /// Refuses a value that has not been sent yet. A value that was sent before can still be received.
  public mutating func close() { if !isSpent { core.close() } }

  /// Waits for the value, blocking the calling thread. It returns nil if the sender is gone without having sent, or
  /// if this end was closed.
  ///
  /// A worker of an actor system must not be blocked, and neither must a thread that runs a task: there, the call
  /// stops the program with a message as soon as it would have to wait.
  @available(
    *, noasync,
    message: "this form blocks the thread; use `await receive()` in an async function or in a closure typed `async`"
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

  /// Waits for the value, blocking the calling thread for at most `timeout`.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await receive(timeout:)` in an async function or in a closure typed `async`"
  )
  public consuming func receive(timeout: Duration) -> sending OneShotOutcome<Value> {
    disconnected(receiveSlowly(Deadline(after: timeout)))
  }

  /// Waits for the value, suspending the task. It returns nil if the sender is gone without having sent, if this end
  /// was closed, or if the task was cancelled.
  nonisolated(nonsending) public consuming func receive() async -> sending Value? {
    switch await receiveSlowly(.never) {
    case .received(let value): return disconnected(value)
    default: return nil
    }
  }

  /// Waits for the value, suspending the task for at most `timeout`. If the task is cancelled while it waits, the
  /// outcome is `cancelled`.
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
      // The alarm touches the memory of this end, so the alarm has to be over before this end is.
      if let alarm { await alarm.stop() }
    }
  }
}
