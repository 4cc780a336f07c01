import Synchronization

/// An address of one message type in front of an actor of another.
@usableFromInline final class Adapter<Message: ~Copyable>: Recipient, @unchecked Sendable {
  let room: AdapterRoom
  /// Transforms a message and passes it on into room that was taken for it.
  let pass: @Sendable (consuming Message) -> Void

  init(_ room: AdapterRoom, pass: @escaping @Sendable (consuming Message) -> Void) {
    self.room = room
    self.pass = pass
    super.init(.adapter)
  }

  @usableFromInline override var cell: Cell { room.cell }

  @usableFromInline func trySend(_ message: consuming Message) -> TrySendOutcome<Message> {
    switch room.tryReserve() {
    case .closed: return .closed(message)
    case .full: return .full(message)
    case .reserved: break
    }
    pass(message)
    return .sent
  }
}

/// Room in the mailbox behind an adapter. Where the queue keeps what depends on the type of its elements, which only the
/// adapter next to the cell knows, so all adapters of a chain share this.
class AdapterRoom: @unchecked Sendable {
  enum Reservation { case reserved, full, closed }
  let cell: Cell
  /// A handle that an adapter in front of it keeps.
  private let kept: Recipient?
  init(_ target: Recipient) {
    cell = target.cell
    kept = target.isHandle ? target : nil
  }

  /// Takes room for one message, as far as there is such a thing: an unbounded mailbox has it until it is closed.
  func tryReserve() -> Reservation { fatalError("abstract") }
  /// The same, waiting for it.
  nonisolated(nonsending) func reserve(until deadline: Deadline) async -> SendWaiters.Reserved {
    fatalError("abstract")
  }
}

private final class TypedRoom<Message: ~Copyable>: AdapterRoom, @unchecked Sendable {
  private var queue: MessageQueue<Message> { MessageQueue(state: cell.queue) }

  override func tryReserve() -> Reservation {
    guard cell.isBounded else { return queue.isClosed ? .closed : .reserved }
    switch queue.reserve(1, fair: true) {
    case .reserved: return .reserved
    case .full: return .full
    case .closed: return .closed
    }
  }

  nonisolated(nonsending) override func reserve(until deadline: Deadline) async -> SendWaiters.Reserved {
    guard let waiters = cell.waiters else { return queue.isClosed ? .closed : .reserved }
    return await waiters.reserve(1, at: queue, until: deadline)
  }
}

extension Address where Message: ~Copyable {
  /// An address of another message type that transforms what it gets, on the sender's thread, and passes it on to this one.
  ///
  /// It is an address of its own, whose `termination` is that of its target. A refusal comes before the transformation and
  /// gives the original back; if the target ends in between, the result becomes a dead letter.
  public func contramap<Outer: ~Copyable>(
    _ transform: @escaping @Sendable (consuming sending Outer) -> sending Message
  ) -> Address<Outer> {
    if !target.isCell && !target.isHandle {
      let inner = adapter
      return Address<Outer>(Adapter<Outer>(inner.room) { outer in inner.pass(transform(disconnected(outer))) })
    }
    let cell = target.cell
    return Address<Outer>(
      Adapter<Outer>(TypedRoom<Message>(target)) { outer in cell.passReserved(transform(disconnected(outer))) })
  }
}

extension Cell {
  fileprivate func passReserved<Message: ~Copyable>(_ message: consuming Message) {
    switch pushReserved(message) {
    case .done: return
    case .wake: schedule()
    default: deadLetter(.endedWhileAdapting, Message.self)
    }
  }
}
