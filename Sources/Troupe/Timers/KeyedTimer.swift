/// How a repeating timer goes on, and how it makes its messages.
@usableFromInline final class Repetition<Message: ~Copyable>: Sendable {
  @usableFromInline enum Kind: Sendable {
    /// The next deadline is so many nanoseconds after the last deadline.
    case fixedRate(Int64)
    /// The next deadline is so many nanoseconds after the message was taken.
    case fixedDelay(Int64)
  }
  let kind: Kind
  let make: @Sendable () -> Message

  @usableFromInline init(_ kind: Kind, _ make: @escaping @Sendable () -> Message) {
    self.kind = kind
    self.make = make
  }
}

/// A timer that an actor has set, and the message that it sends. It belongs to the incarnation. One that repeats is
/// followed by another one when its turn in the mailbox has come, so there is never more than one of them in the
/// mailbox.
@usableFromInline
final class KeyedTimer<Message: ~Copyable, Key: Hashable>: MessageEnvelope<Message>, @unchecked Sendable {
  // The reference is valid, since all timers of an actor are cancelled before the actor goes.
  @usableFromInline unowned(unsafe) let cell: Cell
  @usableFromInline let hash: Int
  @usableFromInline let key: Key

  @inlinable init(
    _ cell: Cell, _ key: Key, _ hash: Int, deadline: Int64, _ message: consuming Message?,
    _ repetition: Repetition<Message>?
  ) {
    self.cell = cell
    self.hash = hash
    self.key = key
    super.init(message, repetition == nil ? .once : .repeating, deadline: deadline, tag: repetition)
  }

  @usableFromInline override var keyHash: Int { hash }

  override func fire() { cell.post(self) }

  /// Opens a timer that repeats, and starts the one that follows it. The others are opened by `Cell.openTimer`.
  override func open(_ cell: Cell) -> Content {
    guard let timers = cell.existingRareState?.timers, timers.contains(self),
      let repetition = tag as? Repetition<Message>
    else { return .nothing }
    let scheduler = cell.system.scheduler
    let next =
      switch repetition.kind {
      case .fixedRate(let period): deadline.saturatingAdd(period)
      case .fixedDelay(let period): scheduler.deadline(after: .nanoseconds(period))
      }
    let timer = KeyedTimer(cell, key, hash, deadline: next, nil, repetition)
    timers.replace(self, by: timer)
    scheduler.add(timer)
    return .message
  }

  @usableFromInline override func make() -> Message? { (tag as? Repetition<Message>)?.make() }

  // A message is lost only with a timer that fires once and was not cancelled: what repeats will come again.
  override func isMessage(_ cell: Cell) -> Bool { !isReplaced && kind == .once }
}

extension Cell {
  /// The timers of the actor. Called on the cell's worker. The reference is not counted: the rare state holds
  /// the table, and nothing that is done with the table lets go of it.
  @usableFromInline var timers: Unmanaged<TimerTable> {
    let rareState = rareState
    if let timers = rareState.timers { return .passUnretained(timers) }
    let timers = TimerTable()
    rareState.timers = timers
    return .passUnretained(timers)
  }

  @usableFromInline func deadline(after delay: Duration) -> Int64 {
    // The deadline is not before now: otherwise a timer with a fixed rate would make up for a time in which it did not
    // exist.
    withScheduler { $0.deadline(after: max(.zero, delay)) }
  }

  /// Opens a timer that fires once. It is no method of the timer, where it would be compiled for all types of messages
  /// and keys.
  func openTimer(_ timer: Envelope) -> Envelope.Content {
    if timer.isReplaced { return .nothing }
    return existingRareState?.timers?.remove(timer) == true ? .message : .nothing
  }

  @usableFromInline func start(_ timer: Envelope, replacing before: Envelope?) {
    if let before { cancel(before) }
    withScheduler { $0.add(timer) }
  }

  func cancelTimers() {
    guard let rareState = existingRareState else { return }
    var timers: [Envelope] = []
    rareState.timers?.removeAll { timers.append($0) }
    // In a simulation the timers get an order, since the table's own differs from run to run, and what their messages
    // own is destroyed with them.
    if isIntercepted { timers.sort { ($0.deadline, $0.place) < ($1.deadline, $1.place) } }
    for timer in timers { cancel(timer) }
    if let timeout = rareState.receiveTimeout {
      rareState.receiveTimeout = nil
      system.scheduler.cancel(timeout)
    }
  }

  @usableFromInline func cancel(_ timer: Envelope) {
    withScheduler { $0.cancel(timer) }
    timer.isReplaced = true
  }
}
