/// The timers of an actor, each known by a key; see `Context.timers`.
///
/// A timer sends the actor one of its own messages, once or again and again. Timers belong to the incarnation: when it
/// ends, by a restart or for good, nothing of them is delivered any more. Their messages do not count against a bounded
/// mailbox's capacity. A timer never fires early. On an idle machine it fires some tenths of a millisecond late, which
/// is a tick of the wheel (66 us) and the waking of a thread or two. Setting and cancelling a timer is O(1).
public struct Timers<Message: ~Copyable> {
  @usableFromInline let cell: Cell

  @inlinable init(cell: Cell) { self.cell = cell }

  /// Sends a message once. With a duration of zero or less it is sent as soon as possible; no duration is too long.
  ///
  /// If there is a timer with this key already, it is cancelled.
  @inlinable public func once(
    _ key: some Hashable & Sendable, after delay: Duration, _ message: consuming sending Message
  ) {
    let timer = KeyedTimer(cell, key, TimerTable.hash(key), deadline: cell.deadline(after: delay), message)
    start(timer, after: delay)
  }

  /// Does the same with a message that a closure makes, as for a timer that repeats. The closure is called once, by
  /// this call and not when the delay is over, and it may use what belongs to the actor.
  @inlinable public func once(
    _ key: some Hashable & Sendable, after delay: Duration, _ message: () -> sending Message
  ) {
    once(key, after: delay, message())
  }

  /// Sends a message every `period`, counted from one deadline to the next, so that the messages keep their rate. If
  /// the actor is late it catches up, but there is never more than one of them in the mailbox. A timer with the same
  /// key is cancelled. A period of zero or less stops the program.
  /// - Parameters:
  ///   - key: The key of the timer among those of the actor.
  ///   - period: The time from one deadline to the next.
  ///   - first: The time until the first message; nil is one period.
  ///   - message: Makes each message.
  @inlinable public func fixedRate(
    _ key: some Hashable & Sendable, every period: Duration, after first: Duration? = nil,
    _ message: @escaping @Sendable () -> Message
  ) {
    start(key, after: first ?? period, Repetition(.fixedRate(positive(period)), message))
  }

  /// Sends a message, and sends the next one `delay` after the actor has taken that, so that there is time in between.
  /// A timer with the same key is cancelled. A delay of zero or less stops the program.
  /// - Parameters:
  ///   - key: The key of the timer among those of the actor.
  ///   - delay: The time between a message that the actor has taken and the next one.
  ///   - first: The time until the first message; nil is one delay.
  ///   - message: Makes each message.
  @inlinable public func fixedDelay(
    _ key: some Hashable & Sendable, every delay: Duration, after first: Duration? = nil,
    _ message: @escaping @Sendable () -> Message
  ) {
    start(key, after: first ?? delay, Repetition(.fixedDelay(positive(delay)), message))
  }

  /// Cancels a timer. Nothing of it is delivered any more, even if it has fired already. Does nothing if there is none.
  @inlinable public func cancel(_ key: some Hashable & Sendable) {
    if let timer = cell.timers._withUnsafeGuaranteedRef({ $0.remove(key, Message.self) }) { cell.cancel(timer) }
  }

  /// Cancels all timers of the actor, and the receive timeout.
  public func cancelAll() { cell.cancelTimers() }

  /// Whether the timer is set, so that a message of it will come.
  @inlinable public func isActive(_ key: some Hashable & Sendable) -> Bool {
    cell.timers._withUnsafeGuaranteedRef { $0.hasTimer(for: key, Message.self) }
  }

  @usableFromInline func positive(_ period: Duration) -> Int64 {
    guard period > .zero else { fatalError("Troupe: the period of a timer must be positive, and is \(period)") }
    return period.nanosecondsClamped
  }

  @inlinable func start<Key: Hashable & Sendable>(
    _ key: Key, after delay: Duration, _ repetition: Repetition<Message>
  ) {
    let timer = RepeatingTimer(cell, key, TimerTable.hash(key), deadline: cell.deadline(after: delay), repetition)
    start(timer, after: delay)
  }

  @inlinable func start<Key: Hashable & Sendable>(_ timer: KeyedTimer<Message, Key>, after delay: Duration) {
    let before = cell.timers._withUnsafeGuaranteedRef { $0.set(timer) }
    cell.start(timer, replacing: before)
    if cell.isIntercepted { cell.system.interceptor?.setsTimer(timer.key, after: delay, by: cell) }
  }
}

@available(*, unavailable) extension Timers: Sendable {}

// A message that can be copied needs no closure to be made again and again.
extension Timers where Message: Sendable {
  /// Does the same as `fixedRate` with a closure, with a copy of `message` each time.
  @inlinable public func fixedRate(
    _ key: some Hashable & Sendable, every period: Duration, after first: Duration? = nil, _ message: Message
  ) {
    fixedRate(key, every: period, after: first) { message }
  }

  /// Does the same as `fixedDelay` with a closure, with a copy of `message` each time.
  @inlinable public func fixedDelay(
    _ key: some Hashable & Sendable, every delay: Duration, after first: Duration? = nil, _ message: Message
  ) {
    fixedDelay(key, every: delay, after: first) { message }
  }
}

extension Context where Message: ~Copyable {
  /// The timers of this actor.
  @inlinable public var timers: Timers<Message> { Timers(cell: cell) }

  /// Asks for `signal(.receiveTimeout)` whenever no message has come for so long, counted from the end of the last
  /// handler; nil ends that. A signal does not count as a message. The setting belongs to the incarnation. A duration
  /// of zero or less stops the program.
  public func setReceiveTimeout(_ timeout: Duration?) {
    if let timeout, timeout <= .zero {
      fatalError("Troupe: a receive timeout must be positive, and is \(timeout)")
    }
    cell.setReceiveTimeout(timeout)
  }
}

extension Int64 {
  package func saturatingAdd(_ other: Int64) -> Int64 {
    let sum = addingReportingOverflow(other)
    return sum.overflow ? .max : sum.partialValue
  }
}
