public import Synchronization

/// What became of an element, and what the sender has to do now.
@usableFromInline package enum Push<Element: ~Copyable>: ~Copyable {
  case done
  /// Done, and this sender cleared *idle*: it must wake the consumer.
  case wake
  case full(Element)
  case closed(Element)
}

extension MessageQueue where Element: ~Copyable {
  /// Appends to an unbounded queue: one compare-exchange, a store, and once a block an allocation.
  @inlinable package func push(_ element: consuming Element) -> Push<Element> {
    let mask = UInt(Segment.blockCapacity - 1)
    var word = state.pointee.tail.load(ordering: .acquiring)
    var next: UnsafeMutableRawPointer?
    var backoff = Backoff()
    while true {
      if word & (TailWord.closed | TailWord.installing) != 0 {
        if word & TailWord.closed != 0 {
          next?.deallocate()
          return .closed(element)
        }
        // The one that installs has only to store a pointer; it may have lost its processor, so yield in the end.
        backoff.snooze()
        word = state.pointee.tail.load(ordering: .acquiring)
        continue
      }
      let isInline = word & TailWord.inline != 0
      let offset = Int((word >> TailWord.shift) & mask)
      let capacity = isInline ? Segment.inlineCapacity : Segment.blockCapacity
      let isLast = offset == capacity - 1
      // Before the reservation: a slot in a block implies that the block after it can be had.
      if isLast && next == nil { next = takeBlock() }
      // Acquired with `word`; stale only if the index moved, and then the exchange below fails.
      let segment =
        isInline
        ? state.pointee.base
        : UnsafeMutableRawPointer(bitPattern: state.pointee.tailBlock.load(ordering: .relaxed)).unsafelyUnwrapped
      var desired = isLast ? ((word >> TailWord.shift | mask) &+ 1) << TailWord.shift : word &+ TailWord.one
      if isLast {
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
      if isLast {
        // Published before our own slot is: once every slot of a block is taken, nobody but the consumer touches it.
        segment.storeBytes(of: UInt(bitPattern: next), as: UInt.self)
        state.pointee.tailBlock.store(UInt(bitPattern: next), ordering: .relaxed)
        state.pointee.tail.bitwiseAnd(~TailWord.installing, ordering: .releasing)
      } else if let unused = next {
        unused.deallocate()
      }
      let elements = segment + Segment.elementsOffset(capacity)
      (elements.assumingMemoryBound(to: Element.self) + offset).initialize(to: element)
      // Releasing: publishes the element. Pairs with the acquiring load in `take`.
      (Self.flags(segment) + offset).pointee.store(1, ordering: .releasing)
      return word & ~desired & TailWord.idle != 0 ? .wake : .done
    }
  }
}
