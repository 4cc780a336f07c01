/// The reason why an element was not sent. An error cannot hold the element itself, because the element may not be
/// copyable; the element is in the outcome on which `get()` was called.
public enum SendError: Error, Hashable, Sendable {
  /// The receiver has closed the channel or is gone, or this sender was taken out of the channel value after the last
  /// one of the earlier senders was gone, which closed the channel.
  case closed
  /// The channel had no room.
  case full
  /// The channel had no room before the timeout passed.
  case timedOut
  /// The task was cancelled while it waited for room.
  case cancelled
}

/// What became of an element that was sent to a channel that always has room, or sent with a permit.
@frozen public enum SendOutcome<Element: ~Copyable>: ~Copyable {
  /// The element is in the channel. It is destroyed there if the receiver goes away before it takes the element.
  case sent
  /// The channel is closed, for one of the reasons at `SendError.closed`. The associated value is the element that was
  /// refused.
  case closed(Element)

  /// Whether the element was sent.
  @inlinable public var isSent: Bool {
    switch self {
    case .sent: true
    default: false
    }
  }

  /// Returns if the element was sent. Otherwise it destroys the element and throws; to keep the element, `switch`
  /// over the outcome instead.
  @inlinable public consuming func get() throws(SendError) {
    switch consume self {
    case .sent: return
    case .closed: throw .closed
    }
  }
}

/// What became of an element that was to be sent only if there was room at once.
@frozen public enum TrySendOutcome<Element: ~Copyable>: ~Copyable {
  /// The element is in the channel.
  case sent
  /// The channel had no room, or others are already waiting for it. The associated value is the element that was
  /// refused.
  case full(Element)
  /// The channel is closed, for one of the reasons at `SendError.closed`. The associated value is the element that was
  /// refused.
  case closed(Element)

  /// Whether the element was sent.
  @inlinable public var isSent: Bool {
    switch self {
    case .sent: true
    default: false
    }
  }

  /// Returns if the element was sent. Otherwise it destroys the element and throws; to keep the element, `switch`
  /// over the outcome instead.
  @inlinable public consuming func get() throws(SendError) {
    switch consume self {
    case .sent: return
    case .full: throw .full
    case .closed: throw .closed
    }
  }
}

/// What became of an element whose sender was willing to wait for room.
@frozen public enum WaitingSendOutcome<Element: ~Copyable>: ~Copyable {
  /// The element is in the channel, or, on a rendezvous channel, in the hands of the receiver.
  case sent
  /// The channel is closed, for one of the reasons at `SendError.closed`. The associated value is the element that was
  /// refused.
  case closed(Element)
  /// The timeout passed before there was room. The associated value is the element. Only a send with a timeout ends
  /// like this.
  case timedOut(Element)
  /// The task was cancelled before there was room. The associated value is the element. Only an asynchronous send
  /// ends like this.
  case cancelled(Element)

  /// Whether the element was sent.
  @inlinable public var isSent: Bool {
    switch self {
    case .sent: true
    default: false
    }
  }

  /// Returns if the element was sent. Otherwise it destroys the element and throws; to keep the element, `switch`
  /// over the outcome instead.
  @inlinable public consuming func get() throws(SendError) {
    switch consume self {
    case .sent: return
    case .closed: throw .closed
    case .timedOut: throw .timedOut
    case .cancelled: throw .cancelled
    }
  }
}

/// What a receive that does not wait has found.
@frozen public enum TryReceiveOutcome<Element: ~Copyable>: ~Copyable {
  /// The next element was taken.
  case received(Element)
  /// The channel is empty at the moment, and more elements may come.
  case empty
  /// The channel is empty, and nothing can come any more.
  case closed
}

/// What a receive with a timeout has found.
@frozen public enum TimedReceiveOutcome<Element: ~Copyable>: ~Copyable {
  /// The next element was taken.
  case received(Element)
  /// The timeout passed before an element came. An element that comes later can still be received.
  case timedOut
  /// The channel is empty, and nothing can come any more.
  case closed
  /// The task was cancelled before an element came. An element that comes later can still be received. Only the
  /// asynchronous form ends like this.
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

/// Promises the compiler that nothing else refers to `value`. That holds for every value that came out of a channel
/// or was refused by one, because senders gave up their references by `sending`; the compiler cannot see it through
/// raw memory.
@inlinable package func disconnected<Value: ~Copyable>(_ value: consuming Value) -> sending Value {
  nonisolated(unsafe) let value = value
  return value
}
