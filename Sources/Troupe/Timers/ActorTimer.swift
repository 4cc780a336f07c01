/// A timer of an actor: sends it a message at a time, or again and again. It belongs to an incarnation.
class ActorTimer: Timer, @unchecked Sendable {
  let cell: Cell
  let key: AnyHashable
  init(_ cell: Cell, _ key: AnyHashable, deadline: Int64) {
    self.cell = cell
    self.key = key
    super.init(deadline: deadline)
  }

  /// On the actor's worker, once it has been cancelled: lets go of what refers back to it.
  func forget() {}
}

/// How a timer goes on after it has fired.
enum TimerKind {
  case once
  /// The next deadline is so many nanoseconds after the last one.
  case fixedRate(Int64)
  /// The next deadline is so many nanoseconds after the message was taken.
  case fixedDelay(Int64)
}

final class TypedTimer<Message: ~Copyable>: ActorTimer, @unchecked Sendable {
  fileprivate let parcel: TimerParcel<Message>

  init(_ cell: Cell, _ key: AnyHashable, deadline: Int64, _ parcel: TimerParcel<Message>) {
    self.parcel = parcel
    super.init(cell, key, deadline: deadline)
    parcel.timer = self
  }

  override func fire() { cell.post(parcel) }
  override func forget() { parcel.forget() }
}

/// What the timer sends. The same parcel each time: a timer has one message in the mailbox at most.
final class TimerParcel<Message: ~Copyable>: MessageParcel<Message>, @unchecked Sendable {
  // Gone when the parcel is opened, so that the two do not keep each other.
  @exclusivity(unchecked) fileprivate var timer: TypedTimer<Message>?
  private let kind: TimerKind
  private let make: (@Sendable () -> Message)?

  init(_ message: consuming Message) {
    kind = .once
    make = nil
    super.init(message)
  }

  init(_ kind: TimerKind, _ make: @escaping @Sendable () -> Message) {
    self.kind = kind
    self.make = make
    super.init(nil)
  }

  fileprivate func forget() { timer = nil }

  override func open(_ cell: Cell) -> Content {
    guard let timer, let annex = cell.existingAnnex, annex.timers[timer.key] === timer else { return .nothing }
    self.timer = nil
    let scheduler = cell.system.scheduler
    switch kind {
    case .once: annex.timers[timer.key] = nil
    case .fixedRate(let period): again(annex, timer, max(timer.deadline &+ period, timer.deadline))
    case .fixedDelay(let period): again(annex, timer, scheduler.coarseNow.saturatingAdd(period))
    }
    return .message
  }

  private func again(_ annex: Annex, _ timer: TypedTimer<Message>, _ deadline: Int64) {
    let next = TypedTimer(timer.cell, timer.key, deadline: deadline, self)
    annex.timers[timer.key] = next
    timer.cell.system.scheduler.add(next)
  }

  override func take() -> Message? {
    if let make { return make() }
    return super.take()
  }

  // A timer's message that comes too late to be handled is not lost: time goes on.
  override func isMessage(_ cell: Cell) -> Bool { timer != nil && make == nil }
}

extension Cell {
  /// On the cell's worker, also for a key that is not there.
  func cancelTimer(_ key: AnyHashable) {
    guard let timer = existingAnnex?.timers.removeValue(forKey: key) else { return }
    cancel(timer)
  }

  func cancelTimers() {
    guard let annex = existingAnnex else { return }
    for timer in annex.timers.values { cancel(timer) }
    annex.timers = [:]
    if let timeout = annex.receiveTimeout {
      annex.receiveTimeout = nil
      system.scheduler.cancel(timeout)
    }
  }

  private func cancel(_ timer: ActorTimer) {
    system.scheduler.cancel(timer)
    timer.forget()
  }
}
