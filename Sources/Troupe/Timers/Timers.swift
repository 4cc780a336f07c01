/// The timers of an actor, known by keys; `Context.timers`.
///
/// Each sends the actor a message of its own at a time, or again and again. They belong to the incarnation: when it ends, by a restart or for
/// good, they are gone, and nothing of them is delivered any more. Their messages are no part of a bounded mailbox's bound. A timer never
/// fires early, and some milliseconds late at most: a tick of the wheel (1 ms) and one of the kernel, longer on a loaded machine.
/// To set and to cancel one is O(1).
public struct Timers<Message: ~Copyable> {
  let cell: Cell

  /// Sends a message once. A duration of zero or less sends it as soon as may be; there is none that is too long.
  ///
  /// In place of the timer with that key, if there is one.
  public func once(
    _ key: some Hashable & Sendable, after delay: Duration, _ message: consuming sending Message
  ) {
    start(key, delay, TimerParcel(message))
  }

  /// Sends a message every `period`, counted from one deadline to the next. If the actor is late, it catches up; there is never more than one
  /// of them in the mailbox. A period of zero or less stops the program.
  public func fixedRate(
    _ key: some Hashable & Sendable, every period: Duration, after first: Duration? = nil,
    _ message: @escaping @Sendable () -> Message
  ) {
    start(key, first ?? period, TimerParcel(.fixedRate(positive(period)), message))
  }

  /// Sends a message, and the next one `delay` after the actor has taken that. A delay of zero or less stops the program.
  public func fixedDelay(
    _ key: some Hashable & Sendable, every delay: Duration, after first: Duration? = nil,
    _ message: @escaping @Sendable () -> Message
  ) {
    start(key, first ?? delay, TimerParcel(.fixedDelay(positive(delay)), message))
  }

  /// Nothing of the timer is delivered any more, also if it has fired already. Does nothing if there is none.
  public func cancel(_ key: some Hashable & Sendable) { cell.cancelTimer(key) }

  /// All of them, and the receive timeout.
  public func cancelAll() { cell.cancelTimers() }

  /// Whether a message of the timer will come.
  public func isActive(_ key: some Hashable & Sendable) -> Bool { cell.existingAnnex?.timers.timer(for: key) != nil }

  private func positive(_ period: Duration) -> Int64 {
    guard period > .zero else { fatalError("Troupe: the period of a timer must be positive, and is \(period)") }
    return period.nanosecondsClamped
  }

  private func start(_ key: some Hashable & Sendable, _ delay: Duration, _ parcel: TimerParcel<Message>) {
    let scheduler = cell.system.scheduler
    // Not before now: one with a fixed rate would make up for a time in which it was not there.
    let deadline = scheduler.deadline(after: max(.zero, delay))
    let timer = KeyedTimer(cell, key, key.hashValue, deadline: deadline, parcel)
    if let before = cell.annex.timers.set(timer, for: key) { cell.cancel(before) }
    scheduler.add(timer)
  }
}

@available(*, unavailable) extension Timers: Sendable {}

extension Context where Message: ~Copyable {
  /// The timers of this actor.
  public var timers: Timers<Message> { Timers(cell: cell) }

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
  func saturatingAdd(_ other: Int64) -> Int64 {
    let sum = addingReportingOverflow(other)
    return sum.overflow ? .max : sum.partialValue
  }
}
