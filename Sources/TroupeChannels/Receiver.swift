/// The receiving end of a channel. There is one, by type: it cannot be copied, and every call needs it alone.
///
/// Its end closes the channel: elements that were not received are destroyed, waiting senders get theirs back.
/// It may be moved to another thread or task, and sent through a channel. An escaping closure cannot consume what it captures:
/// pass the receiver to a function as a `consuming` parameter and start the task there, or take `receiver.elements()` first and
/// capture that.
public struct Receiver<Element: ~Copyable>: ~Copyable, Sendable {
  @usableFromInline let core: ChannelCore<Element>

  @inlinable init(_ core: ChannelCore<Element>) { self.core = core }

  deinit { core.receiverGone() }

  /// Takes the next element if there is one; never waits for a sender.
  ///
  /// `empty` and `closed` differ: after `closed` nothing can come any more.
  @inlinable public mutating func tryReceive() -> sending TryReceiveOutcome<Element> {
    if let element = core.take() { return .received(disconnected(element)) }
    return disconnected(core.tryReceive())
  }

  /// Passes what is there now to `body`, without waiting for more. Returns how many elements that were.
  @discardableResult
  @inlinable public mutating func drain<Failure: Error>(
    _ body: (consuming sending Element) throws(Failure) -> Void
  ) throws(Failure) -> Int {
    var count = 0
    // What is sent while this runs is not "there now": without a limit a busy sender would keep this going for ever.
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

  /// Closes the channel for new elements and permits. What was sent before, and what is sent with permits that are out,
  /// can still be received. Does nothing the second time.
  public mutating func close() { core.closeByReceiver() }
}

extension Receiver where Element: Copyable {
  /// Takes what is there now, without waiting for more.
  @inlinable public mutating func drain() -> sending [Element] {
    var elements: [Element] = []
    drain { elements.append($0) }
    return elements
  }
}
