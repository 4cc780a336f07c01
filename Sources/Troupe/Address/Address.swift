internal import Synchronization

/// The address of an actor, through which messages are sent to it. Copy it freely and keep it as long as you like: it
/// does not keep the actor alive.
///
/// Any thread and any task may use it. Messages from one sender to one actor arrive in the order in which they were
/// sent.
public struct Address<Message: ~Copyable>: Sendable {
  @usableFromInline let target: Recipient

  @inlinable init(_ target: Recipient) { self.target = target }

  @inlinable init(of cell: Cell) { target = cell.endsUnreferenced ? cell.makeHandle() : cell }

  /// Sends a message and never waits.
  ///
  /// If the actor has ended, or its bounded mailbox is full, the message becomes a dead letter: counted, logged, and
  /// reported to the system's listener. To get it back instead, use `trySend`; to wait for room, `deliver`.
  @inlinable public func send(_ message: consuming sending Message) {
    if target.isCell {
      let cell = unsafeDowncast(target, to: Cell.self)
      switch cell.push(message) {
      case .done: return
      case .wake: cell.schedule()
      case .full(let message):
        _ = consume message
        cell.deadLetter(.mailboxFull, Message.self)
      case .closed(let message):
        _ = consume message
        cell.deadLetter(.ended, Message.self)
      }
    } else {
      adapted(message)
    }
  }

  /// Sends a message if it is accepted at once, and gives it back if not; never waits.
  ///
  /// The outcome `closed` means that the actor has ended. An adapter gives the message back as it was before the
  /// transformation.
  @inlinable public func trySend(_ message: consuming sending Message) -> sending TrySendOutcome<Message> {
    if target.isCell {
      let cell = unsafeDowncast(target, to: Cell.self)
      switch cell.push(message) {
      case .done: return .sent
      case .wake:
        cell.schedule()
        return .sent
      case .full(let message): return .full(disconnected(message))
      case .closed(let message): return .closed(disconnected(message))
      }
    }
    return disconnected(tryAdapted(message))
  }

  @usableFromInline func tryAdapted(_ message: consuming Message) -> TrySendOutcome<Message> {
    if target.isCountedReference { return Address(target.cell).trySend(disconnected(message)) }
    return adapter.trySend(message)
  }

  @usableFromInline func adapted(_ message: consuming Message) {
    if target.isCountedReference { return Address(target.cell).send(disconnected(message)) }
    switch adapter.trySend(message) {
    case .sent: return
    case .full(let message):
      _ = consume message
      target.cell.deadLetter(.mailboxFull, Message.self)
    case .closed(let message):
      _ = consume message
      target.cell.deadLetter(.ended, Message.self)
    }
  }

  var adapter: Adapter<Message> { unsafeDowncast(target, to: Adapter<Message>.self) }

  /// Suspends until the actor has ended, and says how it ended; returns at once if it has. Cancelling the task does not
  /// end the wait. Any number of tasks may wait, and they may ask again.
  public var termination: Termination {
    get async { await target.cell.waitForTermination() }
  }

  /// The identity of the actor that this address leads to. It is the same for all adapters in front of the actor.
  public var actor: ActorID { ActorID(target.cell) }

  /// About how much the actor has to do: the number of messages that wait in its mailbox, at least 1 while the actor is
  /// at work, and 0 when it is idle or has ended.
  ///
  /// The value is a snapshot of two words that other threads change, for measuring and for choosing among actors; it
  /// says nothing reliable about what a send will do. Stashed messages are not counted. O(1), from any thread.
  public var pendingCount: Int {
    target.cell.pendingCount
  }

  /// The path of the actor, `system/parent/child`. In place of a missing name it has `$` and a number.
  public var path: String { target.cell.path }
}

extension Address: Hashable where Message: ~Copyable {
  /// Whether both addresses are of the same actor. The address of an adapter is equal only to itself and its copies.
  @inlinable public static func == (a: Address, b: Address) -> Bool { a.identity == b.identity }
  /// Hashes the identity of the actor.
  @inlinable public func hash(into hasher: inout Hasher) { hasher.combine(identity) }

  @inlinable var identity: ObjectIdentifier {
    ObjectIdentifier(target.isCountedReference ? unsafeDowncast(target, to: CountedReference.self).target : target)
  }
}

extension Address: CustomStringConvertible where Message: ~Copyable {
  /// The path of the actor.
  public var description: String { path }
}

extension Cell {
  var pendingCount: Int {
    // Relaxed: the result is an estimate, and no other memory is read because of it.
    let word = mailbox.queue.pointee.tail.load(ordering: .relaxed)
    if word & TailWord.gone != 0 { return 0 }
    return max(depth, word & TailWord.idle != 0 ? 0 : 1)
  }

  /// The number of messages that wait in the mailbox.
  var depth: Int { QueueShape(at: messageType).count(in: mailbox.queue) + (store?.count ?? 0) }

  @inlinable func push<Message: ~Copyable>(_ message: consuming Message) -> Push<Message> {
    let queue = MessageQueue<Message>(state: mailbox.queue)
    if needsSlowPath { return pushBounded(message) }
    return queue.push(message)
  }

  @inlinable func pushBounded<Message: ~Copyable>(_ message: consuming Message) -> Push<Message> {
    if hasStore || isIntercepted { return pushOnSlowPath(message) }
    switch MessageQueue<Message>(state: mailbox.queue).pushBounded(message) {
    case .done: return .done
    case .wake: return .wake
    case .closed(let message): return .closed(message)
    case .full(let message):
      if let message = overflowing(message) { return .full(message) }
      return .done
    }
  }

  @usableFromInline func deadLetter<Message: ~Copyable>(_ reason: DeadLetter.Reason, _ type: Message.Type) {
    system.deadLetter(reason, for: self, type)
  }
}
