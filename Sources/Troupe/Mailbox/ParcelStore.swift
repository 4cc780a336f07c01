/// The second kind of mailbox: under a lock, for rules under which messages leave before the consumer takes
/// them, or out of turn.
///
/// The cell's tail word still says whether it is closed and whether the actor idles. Every message is in a
/// parcel, as are notices and timers, which take their places among the messages and are exempt from the
/// rule.
class ParcelStore: @unchecked Sendable {
  enum Outcome {
    case accepted
    /// Accepted, and this one is out.
    case evicted(Parcel)
  }

  private let lock = FutexLock()
  @exclusivity(unchecked) private var isClosed = false
  /// Parcels in the store.
  @exclusivity(unchecked) private var parcels = 0

  /// Nil: closed.
  final func insert(_ parcel: Parcel, exempt: Bool) -> Outcome? {
    if !exempt { prepare(parcel) }
    return lock.withLock {
      if isClosed { return nil }
      let outcome = exempt ? place(parcel) : add(parcel)
      if case .accepted = outcome { parcels += 1 }
      return outcome
    }
  }

  final func popFirst() -> Parcel? {
    lock.withLock {
      if parcels == 0 { return nil }
      parcels -= 1
      return remove()
    }
  }

  /// Nothing comes any more; what is there stays.
  final func close() { lock.withLock { isClosed = true } }

  final var count: Int { lock.withLock { parcels } }

  /// A message has left that had a permit. On the cell's worker.
  func hasRoom(in cell: Cell) {}

  // MARK: The rule

  /// Notes what the rule needs to know of the message. On the sender's thread, without the lock.
  func prepare(_ parcel: Parcel) {}
  /// Under the lock, like what follows.
  func add(_ parcel: Parcel) -> Outcome { fatalError("abstract") }
  /// One that is exempt.
  func place(_ parcel: Parcel) -> Outcome { fatalError("abstract") }
  /// The next, when there is one.
  func remove() -> Parcel? { fatalError("abstract") }
}

extension ParcelList {
  /// The oldest message, from behind what is exempt. There is one.
  mutating func popFirstMessage() -> Parcel {
    var exempt = ParcelList()
    while let first = popFirst() {
      if first.isExempt {
        exempt.append(first)
        continue
      }
      prepend(&exempt)
      return first
    }
    fatalError("Troupe: a full mailbox has no message")
  }
}
