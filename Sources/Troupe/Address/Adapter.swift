import Synchronization

/// An address of one message type in front of an actor of another.
@usableFromInline final class Adapter<Message: ~Copyable>: Recipient, @unchecked Sendable {
  private let target: Cell
  private let pass: @Sendable (consuming Message) -> TrySendOutcome<Message>

  init(_ target: Cell, pass: @escaping @Sendable (consuming Message) -> TrySendOutcome<Message>) {
    self.target = target
    self.pass = pass
    super.init(isCell: false)
  }

  @usableFromInline override var cell: Cell { target }
  @usableFromInline func trySend(_ message: consuming Message) -> TrySendOutcome<Message> { pass(message) }
}

extension Address where Message: ~Copyable {
  /// An address of another message type that transforms what it gets, on the sender's thread, and passes it on to this one.
  ///
  /// It is an address of its own, whose `termination` is that of its target. A refusal comes before the transformation and
  /// gives the original back; if the target ends in between, the result becomes a dead letter.
  public func contramap<Outer: ~Copyable>(
    _ transform: @escaping @Sendable (consuming sending Outer) -> sending Message
  ) -> Address<Outer> {
    let inner = self
    let adapter = Adapter<Outer>(target.cell) { outer in
      switch inner.target.reserve() {
      case .closed: return .closed(outer)
      case .full: return .full(outer)
      case .reserved: break
      }
      inner.target.sendReserved(transform(disconnected(outer)))
      return .sent
    }
    return Address<Outer>(adapter)
  }
}

extension Recipient {
  /// Room for one message, as far as there is such a thing: an unbounded mailbox has it until it is closed.
  fileprivate func reserve() -> MessageQueue<Int>.Reservation {
    // The reservation is in the tail word, whatever the type of the elements.
    let queue = MessageQueue<Int>(state: cell.queue)
    if cell.isBounded { return queue.reserve(1, fair: true) }
    return queue.isClosed ? .closed : .reserved
  }

  fileprivate func sendReserved<Message: ~Copyable>(_ message: consuming Message) {
    if !isCell {
      // An adapter of an adapter: the room was taken in the cell behind both, and is passed on.
      cell.releaseRoom()
      switch unsafeDowncast(self, to: Adapter<Message>.self).trySend(message) {
      case .sent: return
      default: return cell.deadLetter(.endedWhileAdapting, Message.self)
      }
    }
    let cell = cell
    let queue = MessageQueue<Message>(state: cell.queue)
    switch cell.isBounded ? queue.pushPermitted(message) : queue.push(message) {
    case .done: return
    case .wake: cell.schedule()
    default: cell.deadLetter(.endedWhileAdapting, Message.self)
    }
  }
}

extension Cell {
  /// Gives back the room that `reserve` took.
  func releaseRoom() {
    guard isBounded else { return }
    let queue = MessageQueue<Int>(state: queue)
    if queue.releasePermits(1) { schedule() }
    if queue.consumer.pointee.head.load(ordering: .acquiring) & HeadWord.roomWanted != 0 { waiters?.grant(queue) }
  }
}
