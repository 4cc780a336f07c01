import Synchronization

/// The word that says which operation of a waiting selection is completed by another thread. At most one is.
///
/// It is 0 while the selection waits, 1 once it does not wait any more, and the operation's place plus 2 once somebody
/// has completed that operation.
///
/// All steps are relaxed, because what they decide is published elsewhere. Whoever claims an operation holds the lock
/// of the operation's channel, from before the claim until the element has changed hands. The selection takes the same
/// lock when it withdraws from that channel, which it does after it has seen the claim.
struct SelectWord: ~Copyable {
  private let word = Atomic<Int>(0)
  private static var waiting: Int { 0 }
  private static var closed: Int { 1 }
  private static var firstPlace: Int { 2 }

  /// Lets others claim an operation. To be called before the selection waits anywhere.
  func open() { word.store(Self.waiting, ordering: .relaxed) }

  /// Claims the operation at `place` for the caller to complete. Returns false if another one was claimed, or if the
  /// selection does not wait any more.
  func claim(_ place: Int) -> Bool {
    word.compareExchange(expected: Self.waiting, desired: Self.firstPlace + place, ordering: .relaxed).exchanged
  }

  /// Lets nobody claim an operation from now on. Returns the place of the one that was claimed before, or nil.
  func close() -> Int? {
    let (exchanged, seen) = word.compareExchange(expected: Self.waiting, desired: Self.closed, ordering: .relaxed)
    return exchanged || seen == Self.closed ? nil : seen - Self.firstPlace
  }
}
