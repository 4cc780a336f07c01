/// A timer of an actor: sends it a message at a time, or again and again. It belongs to an incarnation.
class ActorTimer: Timer, @unchecked Sendable {
  let cell: Cell
  final let keyHash: Int
  init(_ cell: Cell, _ keyHash: Int, deadline: Int64) {
    self.cell = cell
    self.keyHash = keyHash
    super.init(deadline: deadline)
  }

  func hasKey<Other: Hashable>(_ other: Other) -> Bool { false }

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

  var isOnce: Bool { if case .once = self { true } else { false } }
}

class TypedTimer<Message: ~Copyable>: ActorTimer, @unchecked Sendable {
  fileprivate final let parcel: TimerParcel<Message>

  init(_ cell: Cell, _ keyHash: Int, deadline: Int64, _ parcel: TimerParcel<Message>) {
    self.parcel = parcel
    super.init(cell, keyHash, deadline: deadline)
    parcel.timer = self
  }

  /// One with the same key, cell and parcel.
  func next(_ deadline: Int64) -> TypedTimer { fatalError("Troupe: a timer without a key") }

  override func fire() { cell.post(parcel) }
  override func forget() { parcel.forget() }
}

final class KeyedTimer<Message: ~Copyable, Key: Hashable>: TypedTimer<Message>, @unchecked Sendable {
  private let key: Key

  init(_ cell: Cell, _ key: Key, _ keyHash: Int, deadline: Int64, _ parcel: TimerParcel<Message>) {
    self.key = key
    super.init(cell, keyHash, deadline: deadline, parcel)
  }

  override func hasKey<Other: Hashable>(_ other: Other) -> Bool {
    if Other.self != Key.self { return false }
    return key == unsafeBitCast(other, to: Key.self)
  }
  override func next(_ deadline: Int64) -> TypedTimer<Message> {
    KeyedTimer(cell, key, keyHash, deadline: deadline, parcel)
  }
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
    guard let timer, let annex = cell.existingAnnex else { return .nothing }
    let isSet = kind.isOnce ? annex.timers.remove(timer) : annex.timers.contains(timer)
    guard isSet else { return .nothing }
    self.timer = nil
    let scheduler = cell.system.scheduler
    switch kind {
    case .once: break
    case .fixedRate(let period): again(annex, timer, timer.deadline.saturatingAdd(period))
    case .fixedDelay(let period): again(annex, timer, scheduler.deadline(after: .nanoseconds(period)))
    }
    return .message
  }

  private func again(_ annex: Annex, _ timer: TypedTimer<Message>, _ deadline: Int64) {
    let next = timer.next(deadline)
    annex.timers.replace(timer, by: next)
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
  func cancelTimer(_ key: some Hashable) {
    if let timer = existingAnnex?.timers.remove(key) { cancel(timer) }
  }

  func cancelTimers() {
    guard let annex = existingAnnex else { return }
    annex.timers.removeAll { cancel($0) }
    if let timeout = annex.receiveTimeout {
      annex.receiveTimeout = nil
      system.scheduler.cancel(timeout)
    }
  }

  func cancel(_ timer: ActorTimer) {
    system.scheduler.cancel(timer)
    timer.forget()
  }
}
