/// The timers of an actor, known by keys; `Context.timers`.
///
/// Each sends the actor a message of its own at a time, or again and again. They belong to the incarnation: when it ends, by a restart or for
/// good, they are gone, and nothing of them is delivered any more. Their messages are no part of a bounded mailbox's bound. A timer never
/// fires early, and on an idle machine some tenths of a millisecond late: a tick of the wheel (66 us), and waking a thread or two.
/// To set and to cancel one is O(1).
public struct Timers<Message: ~Copyable> {
  @usableFromInline let cell: Cell

  @inlinable init(cell: Cell) { self.cell = cell }

  /// Sends a message once. A duration of zero or less sends it as soon as may be; there is none that is too long.
  ///
  /// In place of the timer with that key, if there is one.
  @inlinable public func once(
    _ key: some Hashable & Sendable, after delay: Duration, _ message: consuming sending Message
  ) {
    start(key, delay, message, nil)
  }

  /// Sends a message every `period`, counted from one deadline to the next. If the actor is late, it catches up; there is never more than one
  /// of them in the mailbox. A period of zero or less stops the program.
  @inlinable public func fixedRate(
    _ key: some Hashable & Sendable, every period: Duration, after first: Duration? = nil,
    _ message: @escaping @Sendable () -> Message
  ) {
    start(key, first ?? period, nil, Repetition(.fixedRate(positive(period)), message))
  }

  /// Sends a message, and the next one `delay` after the actor has taken that. A delay of zero or less stops the program.
  @inlinable public func fixedDelay(
    _ key: some Hashable & Sendable, every delay: Duration, after first: Duration? = nil,
    _ message: @escaping @Sendable () -> Message
  ) {
    start(key, first ?? delay, nil, Repetition(.fixedDelay(positive(delay)), message))
  }

  /// Nothing of the timer is delivered any more, also if it has fired already. Does nothing if there is none.
  @inlinable public func cancel(_ key: some Hashable & Sendable) {
    if let timer = cell.timers._withUnsafeGuaranteedRef({ $0.remove(key, Message.self) }) { cell.cancel(timer) }
  }

  /// All of them, and the receive timeout.
  public func cancelAll() { cell.cancelTimers() }

  /// Whether a message of the timer will come.
  @inlinable public func isActive(_ key: some Hashable & Sendable) -> Bool {
    cell.timers._withUnsafeGuaranteedRef { $0.hasTimer(for: key, Message.self) }
  }

  @usableFromInline func positive(_ period: Duration) -> Int64 {
    guard period > .zero else { fatalError("Troupe: the period of a timer must be positive, and is \(period)") }
    return period.nanosecondsClamped
  }

  @inlinable func start<Key: Hashable & Sendable>(
    _ key: Key, _ delay: Duration, _ message: consuming Message?, _ repetition: Repetition<Message>?
  ) {
    let timer = KeyedTimer<Message, Key>(
      cell, key, TimerTable.hash(key), deadline: cell.deadline(after: delay), message, repetition)
    let before = cell.timers._withUnsafeGuaranteedRef { $0.set(timer) }
    cell.start(timer, replacing: before)
    if cell.isIntercepted { cell.system.interceptor?.setsTimer(key, after: delay, by: cell) }
  }
}

@available(*, unavailable) extension Timers: Sendable {}

extension Context where Message: ~Copyable {
  /// The timers of this actor.
  @inlinable public var timers: Timers<Message> { Timers(cell: cell) }

  /// Asks for `signal(.receiveTimeout)` whenever no message has come for so long, counted from the end of the last handler; nil ends that.
  /// Signals are no messages. It belongs to the incarnation. A duration of zero or less stops the program.
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
