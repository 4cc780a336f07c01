/// Makes channels: queues with any number of senders and one receiver, as in Rust's `std::sync::mpsc`.
///
/// ```swift
/// let channel = Channel.unbounded(of: String.self)
/// let sender = channel.sender
/// var receiver = channel.receiver
/// ```
public enum Channel {
  /// Makes a channel that always has room, so that its `send` never waits.
  ///
  /// Use it where senders must not be held up. It costs memory in proportion to what is queued: if the receiver
  /// cannot keep up with the senders, the queue grows without limit.
  @inlinable public static func unbounded<Element: ~Copyable>(
    of type: Element.Type = Element.self
  ) -> UnboundedChannel<Element> {
    UnboundedChannel(receiver: Receiver(ChannelCore(capacity: .max)))
  }

  /// Makes a channel with room for `capacity` elements. Its `send` waits while there is no room, which holds senders
  /// to the pace of the receiver. All its memory is allocated by this call.
  ///
  /// A capacity of 0 makes a rendezvous channel. A negative capacity, or one above 2^30, stops the program.
  @inlinable public static func bounded<Element: ~Copyable>(
    _ capacity: Int, of type: Element.Type = Element.self
  ) -> BoundedChannel<Element> {
    if capacity < 0 || capacity > 1 << 30 {
      fatalError("Troupe: a channel's capacity must lie between 0 and 2^30, and is \(capacity)")
    }
    return BoundedChannel(receiver: Receiver(ChannelCore(capacity: capacity)))
  }

  /// Makes a channel that buffers nothing: a `send` returns once the receiver has taken its element.
  @inlinable public static func rendezvous<Element: ~Copyable>(
    of type: Element.Type = Element.self
  ) -> BoundedChannel<Element> {
    bounded(0)
  }
}

/// A new unbounded channel. Take its ends out of it: `let sender = channel.sender; var receiver = channel.receiver`.
///
/// This value holds no sender itself, so the channel closes when the last sender taken from it is gone.
@frozen public struct UnboundedChannel<Element: ~Copyable>: ~Copyable {
  /// The receiving end, of which there is one. Take the sender first, because this moves the receiver out of the
  /// channel.
  public var receiver: Receiver<Element>

  @inlinable init(receiver: consuming Receiver<Element>) { self.receiver = receiver }

  /// A sending end. You may copy it freely.
  @inlinable public var sender: Sender<Element> { Sender(receiver.core) }
}

/// A new bounded or rendezvous channel. Take its ends out of it:
/// `let sender = channel.sender; var receiver = channel.receiver`.
///
/// This value holds no sender itself, so the channel closes when the last sender taken from it is gone.
@frozen public struct BoundedChannel<Element: ~Copyable>: ~Copyable {
  /// The receiving end, of which there is one. Take the sender first, because this moves the receiver out of the
  /// channel.
  public var receiver: Receiver<Element>

  @inlinable init(receiver: consuming Receiver<Element>) { self.receiver = receiver }

  /// A sending end. You may copy it freely.
  @inlinable public var sender: BoundedSender<Element> { BoundedSender(receiver.core) }
}
