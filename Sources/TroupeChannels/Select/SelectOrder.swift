/// Which of several operations that are ready a selection completes.
public enum SelectOrder: Hashable, Sendable {
  /// Each with the same probability. An operation that stays ready is completed sooner or later, however busy the
  /// others are.
  case fair
  /// The one that comes first in the closure. Use it where one channel matters more, such as one that says when to stop.
  /// An operation is not completed as long as one before it is always ready.
  case inOrder
}
