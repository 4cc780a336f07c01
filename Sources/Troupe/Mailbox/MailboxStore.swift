/// The second kind of mailbox: under a lock, for rules under which messages leave before the consumer takes
/// them, or out of turn.
///
/// The cell's tail word still says whether it is closed and whether the actor idles. Every message is in a
/// envelope, as are notices and timers, which take their places among the messages and are exempt from the
/// rule.
class MailboxStore: @unchecked Sendable {
  enum Outcome {
    case accepted
    /// Accepted, and this one is out.
    case evicted(Envelope)
  }

  private let lock = FutexLock()
  @exclusivity(unchecked) private var isClosed = false
  /// Envelopes in the store.
  @exclusivity(unchecked) private var envelopes = 0

  /// Nil: closed.
  final func insert(_ envelope: Envelope, exempt: Bool) -> Outcome? {
    if !exempt { prepare(envelope) }
    return lock.withLock {
      if isClosed { return nil }
      let outcome = exempt ? place(envelope) : add(envelope)
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

  /// A message has left that had a permit. On the cell's worker.
  func hasRoom(in cell: Cell) {}

  // MARK: The rule

  /// Notes what the rule needs to know of the message. On the sender's thread, without the lock.
  func prepare(_ envelope: Envelope) {}
  /// Under the lock, like what follows.
  func add(_ envelope: Envelope) -> Outcome { fatalError("abstract") }
  /// One that is exempt.
  func place(_ envelope: Envelope) -> Outcome { fatalError("abstract") }
  /// The next, when there is one.
  func remove() -> Envelope? { fatalError("abstract") }
}

extension EnvelopeList {
  /// The oldest message, from behind what is exempt. There is one.
  mutating func popFirstMessage() -> Envelope {
    var exempt = EnvelopeList()
    while let first = popFirst() {
      if first.ignoresBound {
        exempt.append(first)
        continue
      }
      prepend(&exempt)
      return first
    }
    fatalError("Troupe: a full mailbox has no message")
  }
}
