public import Synchronization

/// What became of an element, and what its sender has to do now.
@usableFromInline package enum Push<Element: ~Copyable>: ~Copyable {
  case done
  /// The element is in the queue, and this sender cleared *idle*: it must wake the consumer.
  case wake
  case full(Element)
  case closed(Element)
}

extension MessageQueue where Element: ~Copyable {
  /// The place of the slot that a tail word points at. It is read after the word, and is stale only if the index has
  /// moved meanwhile; then the exchange that follows fails.
  @usableFromInline struct SlotPlace {
    @usableFromInline let segment: UnsafeMutableRawPointer
    @usableFromInline let capacity: Int
    @usableFromInline let offset: Int
    @inlinable init(segment: UnsafeMutableRawPointer, capacity: Int, offset: Int) {
      self.segment = segment
      self.capacity = capacity
      self.offset = offset
    }
    /// Whether this is the last slot of its segment, whose sender links the next block.
    @inlinable var isLast: Bool { offset == capacity - 1 }
  }

  @inlinable @inline(__always) func place(_ word: UInt) -> SlotPlace {
    let low = Int((word >> TailWord.shift) & UInt(Segment.blockCapacity - 1))
    if word & TailWord.inline != 0 {
      return SlotPlace(segment: inlineSegment, capacity: Segment.inlineCapacity, offset: low)
    }
    // This was acquired with `word`.
    let block = state.pointee.tailBlock.load(ordering: .relaxed)
    if block & QueueState.longBlock == 0 {
      return SlotPlace(segment: Self.address(block), capacity: Segment.blockCapacity, offset: low)
    }
    let start = state.pointee.ringMaskOrLongStart.load(ordering: .relaxed)
    let blocks = UInt32(truncatingIfNeeded: word >> (TailWord.shift + Segment.blockShift)) &- start
    return SlotPlace(
      segment: Self.address(block), capacity: Segment.longCapacity,
      offset: low &+ Int(blocks) &* Segment.blockCapacity)
  }

  @inlinable @inline(__always) func write(_ element: consuming Element, at place: SlotPlace) {
    let elements = place.segment + Segment.elementsOffset(place.capacity)
    (elements.assumingMemoryBound(to: Element.self) + place.offset).initialize(to: element)
    // Releasing: publishes the element. Pairs with the acquiring load in `take`.
    (Self.flags(place.segment) + place.offset).pointee.store(1, ordering: .releasing)
  }

  /// Appends to an unbounded queue. This costs one compare-exchange, a store and, once in a block, an allocation.
  @inlinable @inline(__always) package func push(_ element: consuming Element) -> Push<Element> {
    let word = state.pointee.tail.load(ordering: .acquiring)
    // This is the usual case, short enough to be inlined into the caller: in a block, with no bit set, and not the
    // last slot.
    guard word & (TailWord.one &- 1) == 0 else { return pushSlowly(element, word, Backoff()) }
    let place = place(word)
    if place.isLast { return pushSlowly(element, word, Backoff()) }
    let (exchanged, seen) = state.pointee.tail.weakCompareExchange(
      expected: word, desired: word &+ TailWord.one, successOrdering: .acquiringAndReleasing,
      failureOrdering: .acquiring)
    guard exchanged else { return pushAgain(element, seen) }
    write(element, at: place)
    return .done
  }

  /// Goes on after another sender has won the compare-exchange.
  @inlinable @inline(never) func pushAgain(_ element: consuming Element, _ seen: UInt) -> Push<Element> {
    var backoff = Backoff()
    backoff.contended()
    let word = seen & TailWord.idle != 0 ? seen : state.pointee.tail.load(ordering: .acquiring)
    return pushSlowly(element, word, backoff)
  }

  @inlinable @inline(never) func pushSlowly(
    _ element: consuming Element, _ first: UInt, _ pauses: Backoff
  ) -> Push<Element> {
    let mask = UInt(Segment.blockCapacity - 1)
    var (word, backoff) = (first, pauses)
    var next: UInt = 0
    while true {
      if word & (TailWord.closed | TailWord.installing) != 0 {
        if word & TailWord.closed != 0 {
          if next != 0 { RawMemory.free(Self.address(next)) }
          return .closed(element)
        }
        // The sender that installs the block has only to store a pointer. It may have lost its processor, though, so
        // this yields in the end.
        backoff.snooze()
        word = state.pointee.tail.load(ordering: .acquiring)
        continue
      }
      let place = place(word)
      // The block is allocated before the slot is reserved: a reserved slot must imply that the block after it can be
      // had.
      if place.isLast && next == 0 { next = takeBlock() }
      var desired = place.isLast ? ((word >> TailWord.shift | mask) &+ 1) << TailWord.shift : word &+ TailWord.one
      if place.isLast {
        let kept = word & (TailWord.control | TailWord.suspended | TailWord.idle)
        desired |= kept | TailWord.installing
      }
      if word & TailWord.suspended == 0 { desired &= ~TailWord.idle }
      let (exchanged, seen) = state.pointee.tail.weakCompareExchange(
        expected: word, desired: desired, successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
      guard exchanged else {
        word = seen
        backoff.contended()
        if seen & TailWord.idle == 0 { word = state.pointee.tail.load(ordering: .acquiring) }
        continue
      }
      if place.isLast {
        // The link is published before our own slot is: once every slot of a block is taken, nobody but the consumer
        // touches it.
        place.segment.storeBytes(of: next, as: UInt.self)
        state.pointee.tailBlock.store(next, ordering: .relaxed)
        state.pointee.ringMaskOrLongStart.store(
          UInt32(truncatingIfNeeded: desired >> (TailWord.shift + Segment.blockShift)), ordering: .relaxed)
        state.pointee.tail.bitwiseAnd(~TailWord.installing, ordering: .releasing)
      } else if next != 0 {
        RawMemory.free(Self.address(next))
      }
      write(element, at: place)
      return word & ~desired & TailWord.idle != 0 ? .wake : .done
    }
  }
}
