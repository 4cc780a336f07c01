public import Synchronization

/// What the consumer has found where no element was ready.
@usableFromInline package enum Emptiness {
  case empty
  /// A slot is reserved and not yet written, so its element is on the way.
  case hole
  /// The queue is closed, and everything has been taken.
  case finished
}

@usableFromInline package enum Idling {
  case idle
  case notEmpty
  case finished
  case control
}

// Only the one consumer calls what is declared here.
extension MessageQueue where Element: ~Copyable {
  /// Whether `take` would find an element.
  @inlinable package var isReady: Bool {
    let offset = Int(consumer.pointee.offset)
    // Acquiring: pairs with the releasing store of the sender that wrote the slot.
    return (Self.flags(consumer.pointee.segment) + offset).pointee.load(ordering: .acquiring)
      == consumer.pointee.written
  }

  /// Takes the next element if it has been written.
  @inlinable package func take() -> Element? { isReady ? takeReady() : nil }

  /// Takes the next element. `isReady` has said that it is there.
  @inlinable @inline(__always) package func takeReady() -> Element {
    let offset = Int(consumer.pointee.offset)
    let flag = Self.flags(consumer.pointee.segment) + offset
    let limit = Int(consumer.pointee.limit)
    let elements = consumer.pointee.segment + Segment.elementsOffset(limit)
    let element = (elements.assumingMemoryBound(to: Element.self) + offset).move()
    // The next lap of the inline slots has to find them unwritten. Relaxed: *idle* releases it.
    if consumer.pointee.isInline { flag.pointee.store(0, ordering: .relaxed) }
    consumer.pointee.offset = Int32(truncatingIfNeeded: offset &+ 1)
    let isLast = offset &+ 1 == limit
    if !consumer.pointee.isBounded {
      let index = consumer.pointee.headIndex
      let next = isLast ? nextBlock(after: index) : index &+ 1
      let below = consumer.pointee.isInline ? HeadWord.inline : 0
      consumer.pointee.head.store(next << 1 | below, ordering: .relaxed)
    } else {
      if isLast {
        consumer.pointee.offset = 0
        // Not `^=`: the thread sanitizer takes that for an access to all of the state, `head` included.
        consumer.pointee.written = consumer.pointee.written ^ 3
      }
      // Releasing: the slot may be written again. Pairs with the acquiring loads in `hasRoom`. A read-modify-write,
      // because a sender that sets `roomWanted` must be seen by the take after it.
      let old = consumer.pointee.head.wrappingAdd(2, ordering: .acquiringAndReleasing).oldValue
      if old & HeadWord.roomWanted != 0 { consumer.pointee.roomWanted = true }
    }
    return element
  }

  /// Enters the next block. Returns the index of its first slot; `index` is that of the last one of the block before.
  @inlinable @inline(never) func nextBlock(after index: UInt) -> UInt {
    let drained = consumer.pointee.segment
    // The link was written before the flag of the last slot, and that flag has been seen.
    let next = drained.load(as: UInt.self)
    let wasInline = consumer.pointee.isInline
    let wasLong = consumer.pointee.limit > Int32(Segment.blockCapacity)
    let mask = UInt(Segment.blockCapacity - 1)
    let isLong = next & QueueState.longBlock != 0
    enter(Self.address(next), capacity: isLong ? Segment.longCapacity : Segment.blockCapacity, inline: false)
    if !wasInline { recycle(drained, long: wasLong) }
    return (index | mask) &+ 1
  }

  @inlinable func enter(_ segment: UnsafeMutableRawPointer, capacity: Int, inline isInline: Bool) {
    consumer.pointee.segment = segment
    consumer.pointee.offset = 0
    consumer.pointee.limit = Int32(capacity)
    consumer.pointee.isInline = isInline
  }

  @inlinable func index(_ word: UInt) -> UInt {
    !consumer.pointee.isBounded ? word >> TailWord.shift : word >> TailWord.boundedShift
  }
  /// The index of the next element to take, as it stands in the tail word.
  @inlinable package var ownIndex: UInt {
    !consumer.pointee.isBounded ? consumer.pointee.headIndex : consumer.pointee.headIndex & TailWord.boundedIndexMask
  }
  /// About how many elements are there. Slots that are not yet written count, and so do a few unused slots at the end
  /// of a block.
  @inlinable package var backlog: UInt {
    let indexes = index(state.pointee.tail.load(ordering: .relaxed)) &- ownIndex
    return consumer.pointee.isBounded ? indexes & TailWord.boundedIndexMask : indexes
  }
  @inlinable func isFinished(_ word: UInt) -> Bool {
    word & TailWord.closed != 0 && (!consumer.pointee.isBounded || TailWord.permits(word) == 0)
  }

  /// Tells why `take` found nothing.
  @inlinable package func emptiness() -> Emptiness {
    let word = state.pointee.tail.load(ordering: .acquiring)
    if index(word) != ownIndex { return .hole }
    return isFinished(word) ? .finished : .empty
  }

  /// Leaves the queue, if there is still nothing to do. After `.idle` the queue may already belong to another thread.
  ///
  /// An unbounded queue goes back to its inline slots in the same step. That step moves the index, so that a sender
  /// that has read the old index and the old block cannot succeed any more. This is what makes it right to free the
  /// block.
  @inlinable package func idle() -> Idling {
    var word = state.pointee.tail.load(ordering: .acquiring)
    while true {
      if word & TailWord.control != 0 { return .control }
      if word & TailWord.suspended == 0 {
        if index(word) != ownIndex { return .notEmpty }
        if isFinished(word) { return .finished }
      }
      if !consumer.pointee.isBounded && index(word) == ownIndex
        && (consumer.pointee.offset != 0 || !consumer.pointee.isInline)
      {
        switch idleInline(&word) {
        case true: return .idle
        case false: continue
        }
      }
      let (exchanged, seen) = state.pointee.tail.compareExchange(
        expected: word, desired: word | TailWord.idle,
        successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
      if exchanged { return .idle }
      word = seen
    }
  }

  @inlinable func idleInline(_ word: inout UInt) -> Bool {
    // The bit *installing* is clear: whoever took the last slot of a block cleared it before writing the slot, and
    // every slot has been taken.
    assert(word & TailWord.installing == 0)
    let index = consumer.pointee.headIndex
    let offset = Int(consumer.pointee.offset)
    let segment = consumer.pointee.segment
    let wasInline = consumer.pointee.isInline
    let capacity = Int(consumer.pointee.limit)
    let mask = UInt(Segment.blockCapacity - 1)
    let fresh = offset == 0 ? index : (index | mask) &+ 1
    // All before the step: it releases these fields to the next consumer.
    enter(inlineSegment, capacity: Segment.inlineCapacity, inline: true)
    consumer.pointee.head.store(fresh << 1 | HeadWord.inline, ordering: .relaxed)
    let bits = word & (TailWord.one &- 1)
    let (exchanged, seen) = state.pointee.tail.compareExchange(
      expected: word, desired: fresh << TailWord.shift | bits | TailWord.idle | TailWord.inline,
      successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
    if exchanged {
      if !wasInline { RawMemory.free(segment) }
      return true
    }
    word = seen
    enter(segment, capacity: capacity, inline: wasInline)
    consumer.pointee.offset = Int32(offset)
    consumer.pointee.head.store(index << 1 | (wasInline ? HeadWord.inline : 0), ordering: .relaxed)
    return false
  }

  /// Takes the idle bit back. Returns true if it was still set, which means that nobody is about to wake the
  /// consumer.
  @inlinable package func unidle() -> Bool {
    state.pointee.tail.bitwiseAnd(~TailWord.idle, ordering: .acquiringAndReleasing).oldValue & TailWord.idle != 0
  }
}
