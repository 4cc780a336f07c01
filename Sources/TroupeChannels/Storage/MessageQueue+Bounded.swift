public import Synchronization

extension MessageQueue where Element: ~Copyable {
  /// Appends to a ring, unless it is full or somebody waits for room already. This costs one compare-exchange, as on an
  /// unbounded queue. Permits are counted in the tail word, so to reserve one, to use it, and to give it back cost one
  /// each, too.
  @inlinable package func pushBounded(_ element: consuming Element) -> Push<Element> {
    var word = state.pointee.tail.load(ordering: .acquiring)
    var backoff = Backoff()
    while true {
      if word & TailWord.closed != 0 { return .closed(element) }
      guard hasRoom(for: 1, word) else { return .full(element) }
      let desired = (word &+ TailWord.boundedOne) & (word & TailWord.suspended == 0 ? ~TailWord.idle : ~0)
      let (exchanged, seen) = state.pointee.tail.weakCompareExchange(
        expected: word, desired: desired, successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
      if exchanged {
        write(element, at: word >> TailWord.boundedShift)
        return word & ~desired & TailWord.idle != 0 ? .wake : .done
      }
      word = seen
      backoff.contended()
      word = state.pointee.tail.load(ordering: .acquiring)
    }
  }

  /// Turns a permit into an element. It is refused only if the receiver is gone; the permit is spent in any case.
  @inlinable package func pushPermitted(_ element: consuming Element) -> Push<Element> {
    var word = state.pointee.tail.load(ordering: .acquiring)
    while true {
      if word & TailWord.gone != 0 {
        _ = releasePermits(1)
        return .closed(element)
      }
      let desired =
        (word &+ TailWord.boundedOne &- TailWord.permit) & (word & TailWord.suspended == 0 ? ~TailWord.idle : ~0)
      let (exchanged, seen) = state.pointee.tail.weakCompareExchange(
        expected: word, desired: desired, successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
      if exchanged {
        write(element, at: word >> TailWord.boundedShift)
        return word & ~desired & TailWord.idle != 0 ? .wake : .done
      }
      word = seen
    }
  }

  @inlinable func write(_ element: consuming Element, at index: UInt) {
    let mask = state.pointee.ringMask
    let slot = Int(index & mask)
    let slots = Int(mask) + 1
    let elements = ring + Segment.elementsOffset(slots)
    (elements.assumingMemoryBound(to: Element.self) + slot).initialize(to: element)
    // The flag tells which lap wrote the slot. A flag of the lap before never reads as written, so the consumer need
    // not clear it.
    let lap: UInt8 = index & (mask &+ 1) == 0 ? 1 : 2
    // Releasing: publishes the element. Pairs with the acquiring load in `take`.
    (Self.flags(ring) + slot).pointee.store(lap, ordering: .releasing)
  }

  @inlinable func used(_ word: UInt, head: UInt) -> UInt {
    ((word >> TailWord.boundedShift) &- head) & TailWord.boundedIndexMask
  }

  /// Whether `count` more elements fit. An answer of "no" was true at one moment: the head that decided was read
  /// after `word`, and only grows.
  @inlinable func hasRoom(for count: UInt, _ word: UInt) -> Bool {
    let wanted = TailWord.permits(word) &+ count
    let capacity = UInt(state.pointee.capacity)
    // Acquiring: the consumer is done with the slots below it. Pairs with the releasing store below, and so
    // with the add in `takeReady`.
    let cached = state.pointee.spareOrHeadCache.load(ordering: .acquiring)
    let usedByCache = used(word, head: cached)
    if usedByCache <= capacity && usedByCache &+ wanted <= capacity { return true }
    return hasRoomNow(wanted, word)
  }

  @inlinable func hasRoomNow(_ wanted: UInt, _ word: UInt) -> Bool {
    // Acquiring: pairs with the releasing add in `takeReady`.
    let head = consumer.pointee.head.load(ordering: .acquiring)
    // Room that appears now belongs to those who wait already.
    if head & HeadWord.roomWanted != 0 { return false }
    let index = (head >> 1) & TailWord.boundedIndexMask
    state.pointee.spareOrHeadCache.store(index, ordering: .releasing)
    let used = used(word, head: index)
    // If the head is past the tail, `word` is old, and the exchange that comes next will fail and say so.
    return used > UInt(state.pointee.capacity) || used &+ wanted <= UInt(state.pointee.capacity)
  }

  /// How much room is left by elements and permits, judged by the published head.
  @usableFromInline package func remainingRoom() -> Int {
    let word = state.pointee.tail.load(ordering: .acquiring)
    let head = (consumer.pointee.head.load(ordering: .acquiring) >> 1) & TailWord.boundedIndexMask
    let used = used(word, head: head)
    let elements = used > UInt(state.pointee.capacity) ? 0 : Int(used)
    return max(0, Int(state.pointee.capacity) - elements - Int(TailWord.permits(word)))
  }

  @usableFromInline package enum Reservation { case reserved, full, closed }

  /// Takes `count` permits if there is room. `fair` is false for a caller that hands room to the waiters themselves.
  @usableFromInline package func reserve(_ count: Int, fair: Bool) -> Reservation {
    // Sequentially consistent: whoever sets *roomWanted* looks at the tail after that, and whoever gives room back
    // through the tail looks at *roomWanted* after that; one of the two sees the other.
    var word = state.pointee.tail.load(ordering: .sequentiallyConsistent)
    while true {
      if word & TailWord.closed != 0 { return .closed }
      let head = consumer.pointee.head.load(ordering: .acquiring)
      if fair && head & HeadWord.roomWanted != 0 { return .full }
      let index = (head >> 1) & TailWord.boundedIndexMask
      let total = TailWord.permits(word) + UInt(count)
      let used = used(word, head: index)
      if total > UInt(TailWord.maximumPermits) { return .full }
      // As in `hasRoomNow`, more than the capacity means that `word` is old.
      if used <= UInt(state.pointee.capacity) && used &+ total > UInt(state.pointee.capacity) { return .full }
      let (exchanged, seen) = state.pointee.tail.weakCompareExchange(
        expected: word, desired: word &+ UInt(count) &* TailWord.permit,
        successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
      if exchanged { return .reserved }
      word = seen
    }
  }

  /// Gives permits back. Returns true if the channel is closed and this was the last permit, so that the idle
  /// consumer must be woken.
  @usableFromInline package func releasePermits(_ count: Int) -> Bool {
    var word = state.pointee.tail.load(ordering: .acquiring)
    while true {
      var desired = word &- UInt(count) &* TailWord.permit
      let isEnd = word & TailWord.closed != 0 && TailWord.permits(desired) == 0
      if isEnd { desired &= ~TailWord.idle }
      let (exchanged, seen) = state.pointee.tail.weakCompareExchange(
        expected: word, desired: desired, successOrdering: .sequentiallyConsistent, failureOrdering: .acquiring)
      if exchanged { return isEnd && word & TailWord.idle != 0 }
      word = seen
    }
  }

  /// Makes the cached head say "full", whatever there is, so that the next sender has to read the real one.
  @usableFromInline package func forgetCachedRoom() {
    let index = state.pointee.tail.load(ordering: .acquiring) >> TailWord.boundedShift
    let full = (index &- UInt(state.pointee.capacity)) & TailWord.boundedIndexMask
    state.pointee.spareOrHeadCache.store(full, ordering: .releasing)
  }
}
