public import Synchronization

/// The shared state of a channel for one value. All steps on it are methods of `OneShotCore`.
@usableFromInline package struct OneShotState: ~Copyable {
  /// The value is there.
  @usableFromInline static let sent: UInt32 = 1
  /// The receiver takes no value any more.
  @usableFromInline static let closed: UInt32 = 2
  /// The receiver waits in `receiver`, or the sender waits in `sender`.
  @usableFromInline static let receiverWaits: UInt32 = 4
  @usableFromInline static let senderWaits: UInt32 = 8
  /// The sender, or the receiver, will not touch the memory any more. Whoever sets the second of these two bits frees
  /// it.
  @usableFromInline static let senderDone: UInt32 = 16
  @usableFromInline static let receiverDone: UInt32 = 32
  /// The sender is gone, or has failed, and will not send.
  @usableFromInline static let dropped: UInt32 = 64

  @usableFromInline let bits = Atomic<UInt32>(0)
  @usableFromInline let receiver = Parker()
  @usableFromInline let sender = Parker()
  /// The reason why the sender did not send, if it gave one. It is written before `dropped` is set.
  @usableFromInline var failure: (any Error)?
  /// When the receiver began to wait, on a clock of its own, and how long it waits at most. Both are written before
  /// the sender is handed out. A start of `max` means that the receiver waits without limit.
  @usableFromInline package let start: Int64
  @usableFromInline package let limit: Duration?

  @inlinable init(start: Int64, limit: Duration?) {
    failure = nil
    self.start = start
    self.limit = limit
  }
}

/// A typed view of the memory that both ends of a one-shot channel share: the state, and after it the value.
///
/// As long as nobody waits, a send is one compare-exchange and a receive is one load. There is one allocation and no
/// reference count: the end that is done second frees the memory.
///
/// Sendable because every step on the state is atomic, and those steps say which of the two ends may touch the rest.
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

  /// Makes a view of the memory at an address that `address` returned before. The caller vouches for the type.
  @inlinable package init(address: UnsafeMutableRawPointer) {
    state = address.assumingMemoryBound(to: OneShotState.self)
  }
  /// When the receiver gives up, on its own clock; `max` if it never does.
  package var deadline: Int64 {
    guard let limit = state.pointee.limit, state.pointee.start != .max else { return .max }
    let sum = state.pointee.start.addingReportingOverflow(limit.nanosecondsClamped)
    return sum.overflow ? .max : sum.partialValue
  }
  @inlinable package var address: UnsafeMutableRawPointer { UnsafeMutableRawPointer(state) }

  @inlinable func free() {
    // There is nearly always nothing in it, and releasing nothing would still be a call.
    if state.pointee.failure != nil { state.pointee.failure = nil }
    RawMemory.free(state)
  }

  @inlinable package var isClosed: Bool { state.pointee.bits.load(ordering: .acquiring) & State.closed != 0 }

  // MARK: The sender, which ends with one of these

  /// Sends the value. It returns nil if the value was sent, and the value itself if the receiver refuses it.
  @inlinable package func send(_ value: consuming Value) -> Value? {
    var bits = state.pointee.bits.load(ordering: .acquiring)
    self.value.initialize(to: value)
    while bits & State.closed == 0 {
      let waits = bits & State.receiverWaits != 0
      // The memory has to outlive the signal to a waiting receiver, so with a waiter *done* is set in a step of its
      // own.
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

  /// Says that the sender will not send, for a reason or for none.
  @inlinable package func drop(_ failure: (any Error)?) {
    if let failure { state.pointee.failure = failure }
    let before = state.pointee.bits.bitwiseOr(State.dropped, ordering: .acquiringAndReleasing).oldValue
    if before & State.receiverWaits != 0 { state.pointee.receiver.signal() }
    finishSender()
  }

  @inlinable func finishSender() {
    // Acquire-release: the end that is done second sees everything that the first one did.
    let before = state.pointee.bits.bitwiseOr(State.senderDone, ordering: .acquiringAndReleasing).oldValue
    if before & State.receiverDone != 0 { free() }
  }

  /// Suspends the sender until the receiver takes no value any more, or until the task is cancelled.
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

  /// Takes the value and ends the receiver. To be called once, after `look` has said `value`.
  @inlinable package func takeValue() -> Value {
    let value = self.value.move()
    finishReceiver()
    return value
  }

  /// Returns why nothing was sent and ends the receiver. To be called once, after `look` has said `dropped`.
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

  /// Ends a receiver that has taken nothing. A value that was sent is destroyed.
  @usableFromInline package func abandon() {
    close()
    if look() == .value { self.value.deinitialize(count: 1) }
    finishReceiver()
  }

  /// Blocks the thread until there is something to see, or until the deadline.
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

  /// Forgets earlier signals, so that only a signal from now on lets `wait` return. A receiver that may have waited
  /// before calls this before it looks. It must not be called between the look and `wait`, because an alarm that
  /// signals only once may have been set up there.
  @usableFromInline package func forgetSignals() { state.pointee.receiver.reset() }

  /// Suspends until there is something to see, the task is cancelled, or `wakeReceiver` is called.
  @usableFromInline nonisolated(nonsending) package func wait() async -> Found {
    let before = state.pointee.bits.bitwiseOr(State.receiverWaits, ordering: .acquiringAndReleasing).oldValue
    if before & (State.sent | State.dropped) == 0 {
      await state.pointee.receiver.waitUnlessCancelled()
    }
    return look()
  }

  /// Makes a waiting receiver look at its deadline. To be called only while the receiver is known to exist.
  @usableFromInline package func wakeReceiver() { state.pointee.receiver.signal() }
}
