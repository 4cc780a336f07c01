/// A timer that an actor has set by `Timers.once`: it sends its message once. `Timers` knows it by its key.
@usableFromInline
class KeyedTimer<Message: ~Copyable, Key: Hashable>: MessageTimer<Message>, @unchecked Sendable {
  @usableFromInline final let key: Key

  @inlinable init(_ cell: Cell, _ key: Key, _ hash: Int, deadline: Int64, _ message: consuming Message?) {
    self.key = key
    super.init(cell, hash, deadline: deadline, message)
  }
}

/// How a timer that repeats goes on, and how it makes its messages.
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

/// A timer that repeats. It fires once, as others do, and another one with the same key follows when its turn in the
/// mailbox has come. So there is never more than one of them in the mailbox.
@usableFromInline
final class RepeatingTimer<Message: ~Copyable, Key: Hashable>: KeyedTimer<Message, Key>, @unchecked Sendable {
  private let repetition: Repetition<Message>

  @usableFromInline init(
    _ cell: Cell, _ key: Key, _ hash: Int, deadline: Int64, _ repetition: Repetition<Message>
  ) {
    self.repetition = repetition
    super.init(cell, key, hash, deadline: deadline, nil)
  }

  /// Starts the timer that follows this one, and makes the message.
  override func open(_ cell: Cell) -> Content {
    guard let timers = cell.existingRareState?.timers, timers.contains(self) else { return .nothing }
    let scheduler = cell.system.scheduler
    let next =
      switch repetition.kind {
      case .fixedRate(let period): deadline.saturatingAdd(period)
      case .fixedDelay(let period): scheduler.deadline(after: .nanoseconds(period))
      }
    let timer = RepeatingTimer(cell, key, hash, deadline: next, repetition)
    timers.replace(self, by: timer)
    scheduler.add(timer)
    message = repetition.make()
    return .message
  }

  // No message is lost with a timer that is not opened: it has not been made.
  override var isMessage: Bool { false }
}
