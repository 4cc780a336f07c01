/// A selection that waits, as the channels see it. One call of `select` makes one, when it has to wait for the first
/// time, or to remember when the wait for a time began.
///
/// Sendable because others touch only the word and the parker; the rest belongs to the thread or task that selects.
@usableFromInline final class SelectWaiter: @unchecked Sendable {
  let word = SelectWord()
  let parker = Parker()
  /// Where each send of the selection stands, by its place.
  var standings: [Int: SelectStanding] = [:]
  /// When the operations that wait for a time began to do so, by their places.
  var moments: [Int: Any] = [:]
  /// How many operations have said in this round that they wait.
  var waiting = 0
  /// When the first of the operations that wait for a moment of the real clock is due.
  var deadline = Deadline.never
  /// Those who wait for a moment of another clock.
  var sleepers: [@Sendable () async -> Void] = []
}

/// Where a send of a selection stands.
enum SelectStanding {
  /// In the line for room in a bounded channel.
  case inLine(SendWaiter)
  /// It was given room, or was sent away, before the selection could sleep.
  case served(SendWaiter)
  /// It was given room, which it holds as a permit.
  case granted
  /// It offers its element to the receiver of a rendezvous channel. The associated value is the channel's `Offer`.
  case offering(AnyObject)
  /// The receiver has taken its element.
  case taken
}

/// What another thread needs to complete an operation of a waiting selection.
@usableFromInline struct SelectClaim {
  @usableFromInline let waiter: SelectWaiter
  let place: Int

  /// Returns true if the caller is the one that completes the selection, with this operation.
  @usableFromInline func take() -> Bool { waiter.word.claim(place) }
}
