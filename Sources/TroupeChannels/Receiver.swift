/// The receiving end of a channel. There is exactly one: the type cannot be copied, and every call needs exclusive
/// access to it, so the compiler rules out two receivers at once.
///
/// The channel closes when its receiver is destroyed. Elements that were not received are destroyed with it, and
/// senders that wait for room get their elements back.
///
/// A receiver may be moved to another thread or task, and may be sent through a channel. Since a closure cannot consume
/// what it captures, the ways to move it are these:
///
/// | to | write |
/// |---|---|
/// | a function | `func read(_ receiver: consuming Receiver<Int>)`, and in it `var receiver = receiver` |
/// | a `Thread` | `Thread.detachNewThread { [receiver = Handover(channel.receiver)] in … receiver.take() … }` |
/// | a Dispatch queue | `queue.async { [receiver = Handover(channel.receiver)] in … receiver.take() … }` |
/// | a `Task` | `var receiver = channel.receiver`, then `Task { … await receiver.receive() … }` |
/// | a task group | `group.addTask { [receiver = Handover(channel.receiver)] in … receiver.take() … }` |
/// | `async let` | `async let total = sum(channel.receiver)`, where `sum` has a `consuming` parameter |
/// | an actor | `var receiver: Receiver<Int>?`, which a method takes out for the time of an `await`: |
///
/// ```swift
/// actor Reader {
///   private var receiver: Receiver<Int>?
///   init(_ receiver: consuming Receiver<Int>) { self.receiver = consume receiver }
///
///   /// Nil also if another call waits already: there is one receiver.
///   func next() async -> Int? {
///     guard var receiver = receiver.take() else { return nil }
///     let element = await receiver.receive()
///     self.receiver = consume receiver
///     return element
///   }
/// }
/// ```
public struct Receiver<Element: ~Copyable>: ~Copyable, Sendable {
  @usableFromInline let core: ChannelCore<Element>

  @inlinable init(_ core: ChannelCore<Element>) { self.core = core }

  deinit { core.receiverGone() }

  /// Takes the next element if there is one, without waiting for a sender to come. This is O(1).
  ///
  /// The outcome is `empty` while more elements may come, and `closed` once nothing can come any more.
  @inlinable public mutating func tryReceive() -> sending TryReceiveOutcome<Element> {
    if let element = core.take() { return .received(disconnected(element)) }
    return disconnected(core.tryReceive())
  }

  /// Passes the elements that are in the channel now to `body`, without waiting for more, and returns how many there
  /// were.
  ///
  /// If `body` throws, the call throws its error, and the remaining elements stay in the channel.
  @discardableResult
  @inlinable public mutating func drain<Failure: Error>(
    _ body: (consuming sending Element) throws(Failure) -> Void
  ) throws(Failure) -> Int {
    var count = 0
    // Elements sent while this runs are not counted: without a limit, a busy sender would keep this loop going for
    // ever.
    let limit = core.pending
    while count < max(limit, 1) {
      switch tryReceive() {
      case .received(let element):
        count += 1
        try body(element)
      case .empty: return count
      case .closed: return count
      }
    }
    return count
  }

  /// Closes the channel for new elements and new permits.
  ///
  /// Elements that were sent before can still be received, and so can those that are sent later with permits taken
  /// before. Closing a channel a second time does nothing.
  public mutating func close() { core.closeByReceiver() }
}

extension Receiver where Element: Copyable {
  /// Takes all elements that are in the channel now, without waiting for more, and returns them in order.
  @inlinable public mutating func drain() -> sending [Element] {
    var elements: [Element] = []
    drain { elements.append($0) }
    return elements
  }
}
