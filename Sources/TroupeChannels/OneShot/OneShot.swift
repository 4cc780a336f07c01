public import Synchronization

extension Channel {
  /// Makes a channel for one value, as for the answer to a request. It costs one allocation.
  @inlinable public static func oneShot<Value: ~Copyable>(of type: Value.Type = Value.self) -> OneShotChannel<Value> {
    OneShotChannel(OneShotCore())
  }
}

/// A new one-shot channel. Take its ends out of it, in either order, in a function or at the top level of main.swift:
/// `let sender = channel.sender; let receiver = channel.receiver`.
///
/// An end that was not taken is gone when this value is. This value must stay where it was made, and is therefore not
/// Sendable; its ends are.
@frozen public struct OneShotChannel<Value: ~Copyable>: ~Copyable {
  @usableFromInline let core: OneShotCore<Value>
  /// Which ends were taken: 1 is the sender, 2 the receiver. It is atomic only so that a constant can be changed. One
  /// thread at a time has access, because this type is not Sendable.
  @usableFromInline let taken = Atomic<UInt8>(0)

  @inlinable init(_ core: OneShotCore<Value>) { self.core = core }

  @inlinable deinit {
    let taken = taken.load(ordering: .relaxed)
    if taken & 1 == 0 { core.drop(nil) }
    if taken & 2 == 0 { core.abandon() }
  }

  /// Takes the sending end, of which there is one. The first read takes it for good, and a second one stops the
  /// program. A sender that nobody keeps is gone at once, and the receiver learns so.
  @inlinable public var sender: OneShotSender<Value> {
    take(1)
    return OneShotSender(core)
  }

  /// Takes the receiving end, of which there is one. The first read takes it for good, and a second one stops the
  /// program. A receiver that nobody keeps is gone at once, and the sender learns so.
  @inlinable public var receiver: OneShotReceiver<Value> {
    take(2)
    return OneShotReceiver(core)
  }

  @inlinable func take(_ end: UInt8) {
    let before = taken.load(ordering: .relaxed)
    if before & end != 0 { takenBefore(end) }
    taken.store(before | end, ordering: .relaxed)
  }

  @usableFromInline func takenBefore(_ end: UInt8) -> Never {
    let name = end == 1 ? "sender" : "receiver"
    fatalError(
      "Troupe: the \(name) of this one-shot channel was taken before. Each read of `channel.\(name)` takes it, and "
        + "there is only one: read it once, and keep it in a variable.")
  }
}

@available(*, unavailable) extension OneShotChannel: Sendable where Value: ~Copyable {}

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
