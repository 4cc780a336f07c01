public import Synchronization

/// The state of a channel for one value. All steps are named in `OneShotCore`.
@usableFromInline package struct OneShotState: ~Copyable {
  /// The value is there.
  @usableFromInline static let sent: UInt32 = 1
  /// The receiver takes no value any more.
  @usableFromInline static let closed: UInt32 = 2
  /// The receiver waits in `receiver`; the sender waits in `sender`.
  @usableFromInline static let receiverWaits: UInt32 = 4
  @usableFromInline static let senderWaits: UInt32 = 8
  /// This side touches the memory no more. Whoever sets the second of the two frees it.
  @usableFromInline static let senderDone: UInt32 = 16
  @usableFromInline static let receiverDone: UInt32 = 32
  /// The sender will not send.
  @usableFromInline static let dropped: UInt32 = 64

  @usableFromInline let bits = Atomic<UInt32>(0)
  @usableFromInline let receiver = Parker()
  @usableFromInline let sender = Parker()
  /// Why the sender did not send, if it said so; written before `dropped`.
  @usableFromInline var failure: (any Error)?
  /// Since when the receiver waits, on a clock of its own, and how long; written before the sender is handed out. `max`: without limit.
  @usableFromInline package let start: Int64
  @usableFromInline package let limit: Duration?

  @inlinable init(start: Int64, limit: Duration?) {
    failure = nil
    self.start = start
    self.limit = limit
  }
}

/// A typed view of the memory that both ends of a one-shot channel share: the state, then the value.
///
/// Without a waiter a send is one compare-exchange and a receive one load; there is one allocation and no reference count:
/// the second end to be done frees.
@usableFromInline package struct OneShotCore<Value: ~Copyable>: Copyable, @unchecked Sendable {
  @usableFromInline typealias State = OneShotState
  @usableFromInline let state: UnsafeMutablePointer<OneShotState>

  @inlinable static var alignment: Int { max(MemoryLayout<OneShotState>.alignment, MemoryLayout<Value>.alignment) }
  @inlinable static var valueOffset: Int {
    let align = MemoryLayout<Value>.alignment
    return (MemoryLayout<OneShotState>.size + align - 1) & ~(align - 1)
  }
  @inlinable var value: UnsafeMutablePointer<Value> {
    (UnsafeMutableRawPointer(state) + Self.valueOffset).assumingMemoryBound(to: Value.self)
  }

  @inlinable package init(start: Int64 = .max, limit: Duration? = nil) {
    let memory = RawMemory.allocate(Self.valueOffset + MemoryLayout<Value>.size, alignment: Self.alignment)
    state = memory.bindMemory(to: OneShotState.self, capacity: 1)
    state.initialize(to: OneShotState(start: start, limit: limit))
  }

  /// The same memory, known by its address. The caller vouches for the type.
  @inlinable package init(address: UnsafeMutableRawPointer) {
    state = address.assumingMemoryBound(to: OneShotState.self)
  }
  /// When the receiver gives up, on its clock. `max`: never.
  package var deadline: Int64 {
    guard let limit = state.pointee.limit, state.pointee.start != .max else { return .max }
    let sum = state.pointee.start.addingReportingOverflow(limit.nanosecondsClamped)
    return sum.overflow ? .max : sum.partialValue
  }
  @inlinable package var address: UnsafeMutableRawPointer { UnsafeMutableRawPointer(state) }

  @inlinable func free() {
    // Nearly always there is nothing in it, and to release nothing is a call all the same.
    if state.pointee.failure != nil { state.pointee.failure = nil }
    RawMemory.free(state)
  }

  @inlinable package var isClosed: Bool { state.pointee.bits.load(ordering: .acquiring) & State.closed != 0 }

  // MARK: The sender, which ends with one of these

  /// Nil if the value was sent; else the value.
  @inlinable package func send(_ value: consuming Value) -> Value? {
    var bits = state.pointee.bits.load(ordering: .acquiring)
    self.value.initialize(to: value)
    while bits & State.closed == 0 {
      let waits = bits & State.receiverWaits != 0
      // With a waiter the memory has to outlive the signal, so *done* comes as a step of its own.
      // Releasing: publishes the value. Pairs with the acquiring loads of `receive`.
      let (exchanged, seen) = state.pointee.bits.weakCompareExchange(
        expected: bits, desired: bits | State.sent | (waits ? 0 : State.senderDone),
        successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
      if exchanged {
        if waits { signalReceiver() }
        return nil
      }
      bits = seen
    }
    let refused = self.value.move()
    finishSender()
    return refused
  }

  @usableFromInline func signalReceiver() {
    state.pointee.receiver.signal()
    finishSender()
  }

  /// The sender will not send, for a reason or none.
  @inlinable package func drop(_ failure: (any Error)?) {
    if let failure { state.pointee.failure = failure }
    let before = state.pointee.bits.bitwiseOr(State.dropped, ordering: .acquiringAndReleasing).oldValue
    if before & State.receiverWaits != 0 { state.pointee.receiver.signal() }
    finishSender()
  }

  @inlinable func finishSender() {
    // Acquire-release: the second one to be done sees all that the first did.
    let before = state.pointee.bits.bitwiseOr(State.senderDone, ordering: .acquiringAndReleasing).oldValue
    if before & State.receiverDone != 0 { free() }
  }

  /// Suspends the sender until the receiver takes no value any more, or the task is cancelled.
  @usableFromInline nonisolated(nonsending) package func waitUntilClosed() async {
    while !Task.isCancelled {
      state.pointee.sender.reset()
      let before = state.pointee.bits.bitwiseOr(State.senderWaits, ordering: .acquiringAndReleasing).oldValue
      if before & State.closed != 0 { return }
      await state.pointee.sender.waitUnlessCancelled()
    }
  }

  // MARK: The receiver

  @usableFromInline package enum Found { case value, dropped, nothing }

  @inlinable package func look() -> Found {
    let bits = state.pointee.bits.load(ordering: .acquiring)
    return bits & State.sent != 0 ? .value : bits & State.dropped != 0 ? .dropped : .nothing
  }

  /// After `look` said `value`, once: takes it, and ends the receiver.
  @inlinable package func takeValue() -> Value {
    let value = self.value.move()
    finishReceiver()
    return value
  }

  /// After `look` said `dropped`: why, and ends the receiver.
  @inlinable package func takeFailure() -> (any Error)? {
    let failure = state.pointee.failure
    finishReceiver()
    return failure
  }

  @inlinable func finishReceiver() {
    if state.pointee.bits.load(ordering: .acquiring) & State.senderDone != 0 { return free() }
    let before = state.pointee.bits.bitwiseOr(
      State.receiverDone | State.closed, ordering: .acquiringAndReleasing
    ).oldValue
    if before & State.senderDone != 0 { free() }
  }

  /// Refuses a value that has not been sent yet.
  @usableFromInline package func close() {
    let before = state.pointee.bits.bitwiseOr(State.closed, ordering: .acquiringAndReleasing).oldValue
    if before & State.senderWaits != 0 && before & State.senderDone == 0 { state.pointee.sender.signal() }
  }

  /// The receiver goes without having taken anything; a value that was sent is destroyed.
  @usableFromInline package func abandon() {
    close()
    if look() == .value { self.value.deinitialize(count: 1) }
    finishReceiver()
  }

  /// Blocks until there is something to see, or the deadline.
  @usableFromInline package func wait(until deadline: Deadline, call: StaticString) -> Found {
    var backoff = Backoff()
    while !backoff.isOver {
      let found = look()
      if found != .nothing { return found }
      backoff.snooze()
    }
    state.pointee.receiver.reset()
    let before = state.pointee.bits.bitwiseOr(State.receiverWaits, ordering: .acquiringAndReleasing).oldValue
    if before & (State.sent | State.dropped) == 0 {
      _ = state.pointee.receiver.wait(until: deadline, spinning: false, call: call)
    }
    return look()
  }

  /// Before looking, if one may have waited before: what is signalled from now on lets `wait` return. Not between the look and `wait`, where an alarm may
  /// have been set up that signals once.
  @usableFromInline package func forgetSignals() { state.pointee.receiver.reset() }

  /// Suspends until there is something to see, or the task is cancelled, or `wakeReceiver` is called.
  @usableFromInline nonisolated(nonsending) package func wait() async -> Found {
    let before = state.pointee.bits.bitwiseOr(State.receiverWaits, ordering: .acquiringAndReleasing).oldValue
    if before & (State.sent | State.dropped) == 0 {
      await state.pointee.receiver.waitUnlessCancelled()
    }
    return look()
  }

  /// Makes a waiting receiver look at its deadline. Only while the receiver is known to exist.
  @usableFromInline package func wakeReceiver() { state.pointee.receiver.signal() }
}
