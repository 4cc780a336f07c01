/// Why an element was not sent. The element itself is in the outcome that `get()` was called on: an error cannot hold it.
public enum SendError: Error, Hashable, Sendable {
  /// The receiver has closed the channel or is gone.
  case closed
  /// There was no room.
  case full
  /// There was no room in time.
  case timedOut
  /// The task was cancelled while it waited.
  case cancelled
}

/// What became of an element sent to a channel that always has room, or with a permit.
@frozen public enum SendOutcome<Element: ~Copyable>: ~Copyable {
  /// The element is in the channel. It may still be destroyed there, if the receiver goes before it takes it.
  case sent
  /// The channel is closed; this is the element.
  case closed(Element)

  /// Returns if the element was sent; else throws, and destroys the element. To keep it, `switch` instead.
  @inlinable public consuming func get() throws(SendError) {
    switch consume self {
    case .sent: return
    case .closed: throw .closed
    }
  }
}

/// What became of an element that was sent only if there was room at once.
@frozen public enum TrySendOutcome<Element: ~Copyable>: ~Copyable {
  /// The element is in the channel.
  case sent
  /// There was no room, or others wait for it already; this is the element.
  case full(Element)
  /// The channel is closed; this is the element.
  case closed(Element)

  /// Returns if the element was sent; else throws, and destroys the element. To keep it, `switch` instead.
  @inlinable public consuming func get() throws(SendError) {
    switch consume self {
    case .sent: return
    case .full: throw .full
    case .closed: throw .closed
    }
  }
}

/// What became of an element whose send could wait for room.
@frozen public enum WaitingSendOutcome<Element: ~Copyable>: ~Copyable {
  /// The element is in the channel; on a rendezvous channel, the receiver has it.
  case sent
  /// The channel is closed; this is the element.
  case closed(Element)
  /// The timeout passed first; this is the element. Only a send with a timeout ends so.
  case timedOut(Element)
  /// The task was cancelled first; this is the element. Only an asynchronous send ends so.
  case cancelled(Element)

  /// Returns if the element was sent; else throws, and destroys the element. To keep it, `switch` instead.
  @inlinable public consuming func get() throws(SendError) {
    switch consume self {
    case .sent: return
    case .closed: throw .closed
    case .timedOut: throw .timedOut
    case .cancelled: throw .cancelled
    }
  }
}

/// What a receive that does not wait found.
@frozen public enum TryReceiveOutcome<Element: ~Copyable>: ~Copyable {
  /// The next element.
  case received(Element)
  /// Nothing is there at the moment.
  case empty
  /// Nothing is there, and nothing can come any more.
  case closed
}

/// What a receive with a timeout found.
@frozen public enum TimedReceiveOutcome<Element: ~Copyable>: ~Copyable {
  /// The next element.
  case received(Element)
  /// The timeout passed first. Later elements are still received.
  case timedOut
  /// Nothing is there, and nothing can come any more.
  case closed
  /// The task was cancelled first. Later elements are still received. Only the asynchronous form ends so.
  case cancelled
}

extension SendOutcome: Copyable where Element: Copyable {}
extension TrySendOutcome: Copyable where Element: Copyable {}
extension WaitingSendOutcome: Copyable where Element: Copyable {}
extension TryReceiveOutcome: Copyable where Element: Copyable {}
extension TimedReceiveOutcome: Copyable where Element: Copyable {}

extension SendOutcome: Sendable where Element: Sendable & ~Copyable {}
extension TrySendOutcome: Sendable where Element: Sendable & ~Copyable {}
extension WaitingSendOutcome: Sendable where Element: Sendable & ~Copyable {}
extension TryReceiveOutcome: Sendable where Element: Sendable & ~Copyable {}
extension TimedReceiveOutcome: Sendable where Element: Sendable & ~Copyable {}

extension SendOutcome: Equatable where Element: Equatable {}
extension TrySendOutcome: Equatable where Element: Equatable {}
extension WaitingSendOutcome: Equatable where Element: Equatable {}
extension TryReceiveOutcome: Equatable where Element: Equatable {}
extension TimedReceiveOutcome: Equatable where Element: Equatable {}

/// Says that nothing else refers to `value`: it has come out of a channel, or was refused by one, and senders gave up
/// theirs by `sending`. The compiler cannot see that through raw memory.
@inlinable func disconnected<Value: ~Copyable>(_ value: consuming Value) -> sending Value {
  nonisolated(unsafe) let value = value
  return value
}
