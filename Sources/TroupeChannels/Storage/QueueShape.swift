import Synchronization

/// Those facts about the layout of a queue that depend on its element's type, in one word. They are enough to count
/// what is in a queue without knowing the type.
@usableFromInline package struct QueueShape {
  // The bits are `[consumerOffset / 8][log2 of blockCapacity: 3 bits][inlineCapacity: 3 bits]`.
  @usableFromInline package let bits: UInt32

  @inlinable package init<Element: ~Copyable>(_ type: Element.Type) {
    let block = SlotSegment<Element>.blockCapacity.trailingZeroBitCount
    bits =
      UInt32(MessageQueue<Element>.consumerOffset) << 3 | UInt32(block) << 3
      | UInt32(SlotSegment<Element>.inlineCapacity)
  }

  /// The same from the bits of the type. Only its size and alignment are asked for, so it need not be copyable.
  package init(at type: UnsafeRawPointer) {
    func bits<Element>(_ type: Element.Type) -> UInt32 { QueueShape(type).bits }
    self.bits = bits(unsafeBitCast(type, to: Any.Type.self))
  }

  private var consumerOffset: Int { Int(bits >> 6) << 3 }
  private var blockCapacity: Int { 1 << Int(bits >> 3 & 7) }
  private var inlineCapacity: Int { Int(bits & 7) }

  /// Counts the elements that were sent and not yet taken. The count is exact if nobody else touches the queue
  /// meanwhile.
  package func count(in state: UnsafeMutablePointer<QueueState>) -> Int {
    let consumer = (UnsafeMutableRawPointer(state) + consumerOffset).assumingMemoryBound(to: ConsumerState.self)
    if state.pointee.capacity != 0 {
      // The head is read last. It only grows, so the difference is never more than there is room for.
      let word = state.pointee.tail.load(ordering: .acquiring)
      let head = consumer.pointee.head.load(ordering: .acquiring) >> 1
      let used = ((word >> TailWord.boundedShift) &- head) & TailWord.boundedIndexMask
      // If the head is past the tail, what was there has been taken meanwhile.
      return used > UInt(state.pointee.capacity) ? 0 : Int(used)
    }
    let head = consumer.pointee.head.load(ordering: .acquiring)
    let word = state.pointee.tail.load(ordering: .acquiring)
    let from = head >> 1
    let to = word >> TailWord.shift
    guard to > from else { return 0 }
    // The head is in the inline slots and the tail is past them, so the indexes in between belong to no slot.
    let isPast = head & HeadWord.inline != 0 && (from | UInt(blockCapacity - 1)) < to
    return max(0, Int(to - from) - (isPast ? blockCapacity - inlineCapacity : 0))
  }
}
