import Synchronization

/// What an address points at if it accepts another message type than the actor behind it: it transforms each message.
@usableFromInline final class Adapter<Message: ~Copyable>: Recipient, @unchecked Sendable {
  let room: AdapterRoom
  /// Transforms a message and passes it on into room that was reserved for it before.
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

/// Reserves room in the mailbox behind an adapter. The queue's layout depends on the type of its elements, which only
/// the adapter next to the cell knows; so that adapter makes the object, and all adapters of a chain share it.
class AdapterRoom: @unchecked Sendable {
  enum Reservation { case reserved, full, closed }
  let cell: Cell
  /// The handle behind the adapter, if there is one: while an adapter exists, the actor counts as referenced.
  private let kept: Recipient?
  init(_ target: Recipient) {
    cell = target.cell
    kept = target.isCountedReference ? target : nil
  }

  /// Reserves room for one message. In an unbounded mailbox there is nothing to reserve: it has room until it is
  /// closed.
  func tryReserve() -> Reservation { fatalError("Troupe: a subclass must override this.") }
  /// Reserves room for one message, and waits for it until the deadline.
  nonisolated(nonsending) func reserve(until deadline: Deadline) async -> SendWaiters.Reserved {
    fatalError("Troupe: a subclass must override this.")
  }
}

private final class TypedRoom<Message: ~Copyable>: AdapterRoom, @unchecked Sendable {
  private var queue: MessageQueue<Message> { MessageQueue(state: cell.mailbox.queue) }

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
  /// Makes an address of another message type, which transforms each message and passes it on to this address.
  ///
  /// Use it to let an actor receive what others send in their own terms, such as the answers of several services. The
  /// transformation runs on the sender's thread, so it must be quick. The new address is not equal to this one, but its
  /// `termination` is that of the same actor. If the actor has ended or its mailbox is full, the message is refused
  /// before it is transformed, and `trySend` gives the original back; if the actor ends in between, the result becomes
  /// a dead letter.
  public func contramap<Outer: ~Copyable>(
    _ transform: @escaping @Sendable (consuming sending Outer) -> sending Message
  ) -> Address<Outer> {
    if !target.isCell && !target.isCountedReference {
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
