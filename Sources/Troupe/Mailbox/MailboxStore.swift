/// A mailbox guarded by a lock, for options that drop, replace or reorder messages that are queued already. The usual
/// mailbox is a `MessageQueue`, from which nobody but the consumer takes anything.
///
/// The cell's tail word still says whether it is closed and whether the actor idles. Every message is in an
/// envelope, as are notices and timers, which take their places among the messages and are exempt from the
/// rule.
///
/// If the mailbox has a bound, each sent message in the store has one of the queue's permits, which is given back when
/// the message leaves. So those who wait for room stand in the same line (`SendWaiters`) as those who wait for a ring.
/// To drop the newest message, or to fail, needs no store: the sender that finds the bounded queue full decides that.
class MailboxStore: @unchecked Sendable {
  enum Outcome {
    case accepted
    /// Accepted, and this one, which holds a sent message, is out.
    case evicted(Envelope)
  }

  private let lock = FutexLock()
  @exclusivity(unchecked) private var isClosed = false
  /// Envelopes in the store.
  @exclusivity(unchecked) private var envelopes = 0

  /// Puts an envelope in its place: by the rule if it holds a sent message, and exempt from the rule otherwise. Nil:
  /// the store is closed.
  final func insert(_ envelope: Envelope) -> Outcome? {
    lock.withLock {
      if isClosed { return nil }
      let outcome = envelope.wasSent ? add(envelope) : place(envelope)
      if case .accepted = outcome { envelopes += 1 }
      return outcome
    }
  }

  final func popFirst() -> Envelope? {
    lock.withLock {
      if envelopes == 0 { return nil }
      envelopes -= 1
      return remove()
    }
  }

  /// Nothing comes any more; what is there stays.
  final func close() { lock.withLock { isClosed = true } }

  final var count: Int { lock.withLock { envelopes } }

  /// Puts a sent message in an envelope. On the sender's thread, without the lock.
  final func envelope<Message: ~Copyable>(for message: consuming Message) -> StoredMessage<Message> {
    if let store = self as? RankingStore<Message> { return store.rankedEnvelope(for: message) }
    return StoredMessage(message)
  }

  /// Gives back the permit of a message that has left. Called on the cell's worker.
  func hasRoom(in cell: Cell) {}

  // MARK: The rule, under the lock

  /// Adds a sent message.
  func add(_ envelope: Envelope) -> Outcome { fatalError("Troupe: a subclass must override this") }
  /// Adds something that is exempt.
  func place(_ envelope: Envelope) -> Outcome { fatalError("Troupe: a subclass must override this") }
  /// The next, when there is one.
  func remove() -> Envelope? { fatalError("Troupe: a subclass must override this") }
}

/// A store whose rule looks at each message, and so knows their type.
class RankingStore<Message: ~Copyable>: MailboxStore, @unchecked Sendable {
  /// Puts a sent message in an envelope, along with what the rule has to know of it. On the sender's thread, without
  /// the lock, since it runs code of the program's.
  func rankedEnvelope(for message: consuming Message) -> StoredMessage<Message> {
    fatalError("Troupe: a subclass must override this")
  }
}

extension EnvelopeList {
  /// Takes the oldest sent message, which may lie behind envelopes that are exempt from the rule. There must be one.
  mutating func popFirstMessage() -> Envelope {
    var exempt = EnvelopeList()
    while let first = popFirst() {
      if !first.wasSent {
        exempt.append(first)
        continue
      }
      prepend(&exempt)
      return first
    }
    fatalError("Troupe: a full mailbox holds no sent message. This is a bug in Troupe.")
  }
}
