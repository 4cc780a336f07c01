import Synchronization

/// What the two ends of a channel share: the queue, where its consumer parks, who waits for room, and who holds senders.
///
/// Sendable because the queue's consumer side is touched by the one `Receiver` alone, and all else is atomic or locked.
@usableFromInline final class ChannelCore<Element: ~Copyable>: @unchecked Sendable {
  @usableFromInline let queue: MessageQueue<Element>
  /// `Int.max` unbounded, 0 rendezvous.
  @usableFromInline let capacity: Int
  @usableFromInline let rendezvous: Rendezvous<Element>?
  /// Where the receiver waits.
  @usableFromInline let consumer = Parker()
  /// Sender handles alive. Copies of a sender share a handle.
  let handles = Atomic<Int>(0)
  /// Those who wait for room, and those who wait for the receiver to go. Bounded channels use both.
  let waiters = SendWaiters()
  let goneWatchers = GoneWatchers()

  @inlinable init(capacity: Int) {
    self.capacity = capacity
    let isBounded = capacity != 0 && capacity != Int.max
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: MessageQueue<Element>.byteCount(isBounded ? capacity : 0),
      alignment: max(64, MessageQueue<Element>.Segment.alignment))
    let room = isBounded ? capacity : 0
    queue = .create(at: memory, capacity: room, ring: room, initial: 0)
    rendezvous = capacity == 0 ? Rendezvous() : nil
  }

  deinit {
    queue.destroyBlocks()
    UnsafeMutableRawPointer(queue.state).deallocate()
  }

  // MARK: Ends

  /// The last sender is gone: buffered elements stay, then the receiver sees the end.
  func sendersGone() {
    close(TailWord.closed)
  }

  /// The receiver refuses new elements and keeps what is there.
  @usableFromInline func closeByReceiver() {
    close(TailWord.closed)
  }

  @usableFromInline func receiverGone() {
    close(TailWord.closed | TailWord.gone)
    // One at a time, and outside of any lock: an element's deinit may use the channel.
    queue.drainClosed { _ = consume $0 }
  }

  private func close(_ bits: UInt) {
    let step = queue.close(bits)
    if let rendezvous { rendezvous.close() }
    if step.before & TailWord.closed == 0 || bits & TailWord.gone != 0 {
      waiters.closeAll()
      goneWatchers.fire()
    }
    if step.wake { consumer.signal() }
  }

  /// As the calls see it: what goes from hand to hand is closed under the lock that they take.
  @usableFromInline var isClosed: Bool {
    if let rendezvous { return rendezvous.isClosedNow }
    return queue.isClosed
  }
}

/// What the copies of one sender share. Its end is the end of that sender and all its copies.
@usableFromInline final class SenderHandle<Element: ~Copyable>: Sendable {
  @usableFromInline let core: ChannelCore<Element>

  /// Relaxed: whoever makes a handle holds the receiver or another handle.
  @usableFromInline init(_ core: ChannelCore<Element>) {
    self.core = core
    core.handles.wrappingAdd(1, ordering: .relaxed)
  }

  private init(counted core: ChannelCore<Element>) { self.core = core }

  /// Another handle, if one still lives.
  static func upgrade(_ core: ChannelCore<Element>) -> SenderHandle? {
    var count = core.handles.load(ordering: .relaxed)
    while count > 0 {
      let (exchanged, seen) = core.handles.weakCompareExchange(
        expected: count, desired: count + 1, ordering: .acquiringAndReleasing)
      if exchanged { return SenderHandle(counted: core) }
      count = seen
    }
    return nil
  }

  deinit {
    // Acquire-release: what the other senders did comes before the close.
    if core.handles.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 { core.sendersGone() }
  }
}
