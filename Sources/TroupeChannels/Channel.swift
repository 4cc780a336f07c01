/// Makes channels: queues with any number of senders and one receiver, as in Rust's `std::sync::mpsc`.
///
/// ```swift
/// let channel = Channel.unbounded(of: String.self)
/// let sender = channel.sender
/// var receiver = channel.receiver
/// ```
/// This works in a function and at the top level of main.swift, in either order. A variable at the top level cannot be
/// used up, though: where a call uses an end up, take the end for that call, as in `channel.receiver.elements()`. To
/// give the receiver to another thread or task, see the table at `Receiver`.
public enum Channel {
  /// Makes a channel that always has room, so that its `send` never waits.
  ///
  /// Use it where senders must not be held up. It costs memory in proportion to what is queued: if the receiver
  /// cannot keep up with the senders, the queue grows without limit.
  @inlinable public static func unbounded<Element: ~Copyable>(
    of type: Element.Type = Element.self
  ) -> UnboundedChannel<Element> {
    UnboundedChannel(ChannelCore(capacity: .max))
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
    return BoundedChannel(ChannelCore(capacity: capacity))
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
/// This value is neither end. The channel closes to senders when its receiver is gone, or, if no receiver was taken,
/// when this value is gone. It closes to its receiver when the last sender that was taken is gone, or, if none was
/// taken, when this value is gone. A channel that was closed stays closed: senders that are taken later are refused.
@frozen public struct UnboundedChannel<Element: ~Copyable>: ~Copyable, Sendable {
  @usableFromInline let core: ChannelCore<Element>

  @inlinable init(_ core: ChannelCore<Element>) { self.core = core }

  deinit { core.channelGone() }

  /// Takes the receiving end, of which there is one. The first read takes it for good, and a second one stops the
  /// program. Keep it in a variable: a receiver that nobody keeps is gone at once, which closes the channel. Any thread
  /// may take it, and it is O(1).
  @inlinable public var receiver: Receiver<Element> {
    core.noteReceiverTaken()
    return Receiver(core)
  }

  /// Makes a sending end, which you may copy freely. Any thread may make one, and it is O(1).
  ///
  /// Keep it in a variable. The channel closes as soon as no sender is left, so of two statements
  /// `_ = channel.sender.send(…)` the second is refused: its sender was made after the last one was gone.
  @inlinable public var sender: Sender<Element> { Sender(core) }
}

/// A new bounded or rendezvous channel. Take its ends out of it:
/// `let sender = channel.sender; var receiver = channel.receiver`.
///
/// This value is neither end. The channel closes to senders when its receiver is gone, or, if no receiver was taken,
/// when this value is gone. It closes to its receiver when the last sender that was taken is gone, or, if none was
/// taken, when this value is gone. A channel that was closed stays closed: senders that are taken later are refused.
@frozen public struct BoundedChannel<Element: ~Copyable>: ~Copyable, Sendable {
  @usableFromInline let core: ChannelCore<Element>

  @inlinable init(_ core: ChannelCore<Element>) { self.core = core }

  deinit { core.channelGone() }

  /// Takes the receiving end, of which there is one. The first read takes it for good, and a second one stops the
  /// program. Keep it in a variable: a receiver that nobody keeps is gone at once, which closes the channel. Any thread
  /// may take it, and it is O(1).
  @inlinable public var receiver: Receiver<Element> {
    core.noteReceiverTaken()
    return Receiver(core)
  }

  /// Makes a sending end, which you may copy freely. Any thread may make one, and it is O(1).
  ///
  /// Keep it in a variable. The channel closes as soon as no sender is left, so of two statements
  /// `_ = channel.sender.send(…)` the second is refused: its sender was made after the last one was gone.
  @inlinable public var sender: BoundedSender<Element> { BoundedSender(core) }
}
