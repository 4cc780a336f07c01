import Synchronization

/// What the two ends of a channel share: the queue, the place where its consumer waits, who waits for room, and how
/// many sender handles are left.
///
/// Sendable because only the one `Receiver` touches the consumer's side of the queue, and everything else is atomic
/// or under a lock.
@usableFromInline final class ChannelCore<Element: ~Copyable>: @unchecked Sendable {
  @usableFromInline let queue: MessageQueue<Element>
  /// How many elements there is room for: `Int.max` for an unbounded channel, 0 for a rendezvous channel.
  @usableFromInline let capacity: Int
  @usableFromInline let rendezvous: Rendezvous<Element>?
  /// Where the receiver waits.
  @usableFromInline let consumer = Parker()
  /// How many sender handles are alive. All copies of a sender share one handle.
  let handles = Atomic<Int>(0)
  /// Those who wait for room, which only bounded channels have, and those who wait for the receiver to go.
  let waiters = SendWaiters()
  let goneWatchers = GoneWatchers()
  /// Whether the one receiver was taken out of the channel value, or is not to be taken any more.
  private let isReceiverTaken = Atomic<Bool>(false)

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

  /// Stops the program if there is a receiver already. Whoever calls this makes it, where the compiler sees of which
  /// channel it is.
  @usableFromInline func noteReceiverTaken() {
    // Relaxed: who takes the receiver got the channel from the one that made it, and needs to see nothing else.
    if isReceiverTaken.exchange(true, ordering: .relaxed) {
      fatalError(
        "Troupe: the receiver of this channel was taken before. Each read of `channel.receiver` takes it, and there is "
          + "only one: read it once, and keep it in a variable.")
    }
  }

  /// The channel value is gone, so that no further end can be taken.
  ///
  /// The load is relaxed, because whoever ends the value has it to itself: each use of it by another thread came
  /// before.
  @usableFromInline func channelGone() {
    if !isReceiverTaken.load(ordering: .relaxed) {
      receiverGone()
    } else if SenderHandle.endIfNoneWasMade(self) {
      sendersGone()
    }
  }

  /// Counts a sender that does not exist and so never goes. Relaxed, because nobody else has the channel yet.
  func neverCloses() { handles.wrappingAdd(1, ordering: .relaxed) }

  /// Closes the channel after its last sender has gone. Elements in the channel stay, and after them the receiver
  /// sees the end.
  func sendersGone() {
    close(TailWord.closed)
  }

  /// Closes the channel for a receiver that wants no new elements and keeps what is there.
  @usableFromInline func closeByReceiver() {
    close(TailWord.closed)
  }

  @usableFromInline func receiverGone() {
    close(TailWord.closed | TailWord.gone)
    // The elements are destroyed one at a time and outside of any lock, because an element's deinit may use the
    // channel.
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

  /// Whether the channel is closed, as the calls see it. What goes from hand to hand is closed under the lock that
  /// these calls take.
  @usableFromInline var isClosed: Bool {
    if let rendezvous { return rendezvous.isClosedNow }
    return queue.isClosed
  }
}

/// What all copies of one sender share. When it is destroyed, the sender and all its copies are gone.
@usableFromInline final class SenderHandle<Element: ~Copyable>: Sendable {
  /// Where the count of handles goes when the last one is gone. Handles that are made later, to a channel that is
  /// closed by then, are counted from here, and never get it above zero.
  private static var ended: Int { Int.min / 2 }

  @usableFromInline let core: ChannelCore<Element>

  /// Counts a new handle. Relaxed, because whoever makes a handle holds the channel or another handle.
  @usableFromInline init(_ core: ChannelCore<Element>) {
    self.core = core
    core.handles.wrappingAdd(1, ordering: .relaxed)
  }

  private init(counted core: ChannelCore<Element>) { self.core = core }

  /// Makes another handle, if at least one is still alive.
  ///
  /// Acquire-release: together with the step in `deinit` it is decided by the order of changes of this one word whether
  /// the last handle went first. It takes over what that step of earlier handles published, and passes it on.
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

  /// Returns true, and lets nobody make another handle that counts, if none was ever made. Relaxed: there was no sender
  /// whose work it would have to publish, and the closing step on the queue's tail orders the rest.
  static func endIfNoneWasMade(_ core: ChannelCore<Element>) -> Bool {
    core.handles.compareExchange(expected: 0, desired: ended, ordering: .relaxed).exchanged
  }

  deinit {
    // Acquire-release: pairs with the same step of the other handles, so what their senders did comes before the close.
    var count = core.handles.load(ordering: .relaxed)
    while true {
      let (exchanged, seen) = core.handles.weakCompareExchange(
        expected: count, desired: count == 1 ? Self.ended : count - 1, ordering: .acquiringAndReleasing)
      if exchanged { break }
      count = seen
    }
    if count == 1 { core.sendersGone() }
  }
}
