/// How a timer goes on after its first message.
@usableFromInline final class Repetition<Message: ~Copyable>: Sendable {
  @usableFromInline enum Kind: Sendable {
    /// The next deadline is so many nanoseconds after the last one.
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

/// A timer of an actor, and the message that it sends; it belongs to an incarnation. One that repeats is followed by another when its turn has come, so there is
/// never more than one of them in the mailbox.
@usableFromInline final class KeyedTimer<Message: ~Copyable, Key: Hashable>: MessageParcel<Message>, @unchecked Sendable
{
  // All timers of an actor have been cancelled before it goes.
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

  /// One that repeats.
  override func open(_ cell: Cell) -> Content {
    guard let timers = cell.existingAnnex?.timers, timers.contains(self), let repetition = tag as? Repetition<Message>
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

  // A timer's message that comes too late to be handled is not lost: time goes on.
  override func isMessage(_ cell: Cell) -> Bool { !isForgotten && kind == .once }
}

extension Cell {
  /// On the cell's worker. Not counted: the annex holds it, and nothing that is done with it lets go of that.
  @usableFromInline var timers: Unmanaged<TimerTable> {
    let annex = annex
    if let timers = annex.timers { return .passUnretained(timers) }
    let timers = TimerTable()
    annex.timers = timers
    return .passUnretained(timers)
  }

  @usableFromInline func deadline(after delay: Duration) -> Int64 {
    // Not before now: one with a fixed rate would make up for a time in which it was not there.
    withScheduler { $0.deadline(after: max(.zero, delay)) }
  }

  /// The turn of a timer that fires once. Not the timer's own: there it would be code for all types of messages and keys.
  func openTimer(_ timer: Parcel) -> Parcel.Content {
    if timer.isForgotten { return .nothing }
    return existingAnnex?.timers?.remove(timer) == true ? .message : .nothing
  }

  @usableFromInline func start(_ timer: Parcel, replacing before: Parcel?) {
    if let before { cancel(before) }
    withScheduler { $0.add(timer) }
  }

  func cancelTimers() {
    guard let annex = existingAnnex else { return }
    var timers: [Parcel] = []
    annex.timers?.removeAll { timers.append($0) }
    // The table's order differs from run to run, and what their messages own goes with them.
    if isIntercepted { timers.sort { ($0.deadline, $0.place) < ($1.deadline, $1.place) } }
    for timer in timers { cancel(timer) }
    if let timeout = annex.receiveTimeout {
      annex.receiveTimeout = nil
      system.scheduler.cancel(timeout)
    }
  }

  @usableFromInline func cancel(_ timer: Parcel) {
    withScheduler { $0.cancel(timer) }
    timer.isForgotten = true
  }
}
