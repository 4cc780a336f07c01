/// Makes channels: queues with many senders and one receiver, as in Rust's `std::sync::mpsc`.
///
/// ```swift
/// let channel = Channel.unbounded(of: String.self)
/// let sender = channel.sender
/// var receiver = channel.receiver
/// ```
public enum Channel {
  /// A channel that always has room: its `send` never waits. Memory grows with what is queued.
  @inlinable public static func unbounded<Element: ~Copyable>(
    of type: Element.Type = Element.self
  ) -> UnboundedChannel<Element> {
    UnboundedChannel(receiver: Receiver(ChannelCore(capacity: .max)))
  }

  /// A channel with room for `capacity` elements, whose `send` waits for room. All its memory is allocated here.
  ///
  /// A capacity of 0 is the rendezvous channel. A negative capacity, or one above 2^30, stops the program.
  @inlinable public static func bounded<Element: ~Copyable>(
    _ capacity: Int, of type: Element.Type = Element.self
  ) -> BoundedChannel<Element> {
    if capacity < 0 || capacity > 1 << 30 {
      fatalError("Troupe: a channel's capacity must lie between 0 and 2^30, and is \(capacity)")
    }
    return BoundedChannel(receiver: Receiver(ChannelCore(capacity: capacity)))
  }

  /// A channel without room: a `send` returns when the receiver has taken its element.
  @inlinable public static func rendezvous<Element: ~Copyable>(
    of type: Element.Type = Element.self
  ) -> BoundedChannel<Element> {
    bounded(0)
  }
}

/// A new unbounded channel. Take it apart: `let sender = channel.sender; var receiver = channel.receiver`.
///
/// It holds no sender itself, so that the channel closes when the last sender that you took is gone.
@frozen public struct UnboundedChannel<Element: ~Copyable>: ~Copyable {
  /// The receiving end; there is one. Take the sender first.
  public var receiver: Receiver<Element>

  @inlinable init(receiver: consuming Receiver<Element>) { self.receiver = receiver }

  /// A sending end; copy it freely.
  @inlinable public var sender: Sender<Element> { Sender(receiver.core) }
}

/// A new bounded or rendezvous channel. Take it apart: `let sender = channel.sender; var receiver = channel.receiver`.
///
/// It holds no sender itself, so that the channel closes when the last sender that you took is gone.
@frozen public struct BoundedChannel<Element: ~Copyable>: ~Copyable {
  /// The receiving end; there is one. Take the sender first.
  public var receiver: Receiver<Element>

  @inlinable init(receiver: consuming Receiver<Element>) { self.receiver = receiver }

  /// A sending end; copy it freely.
  @inlinable public var sender: BoundedSender<Element> { BoundedSender(receiver.core) }
}
