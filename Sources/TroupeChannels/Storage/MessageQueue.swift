public import Synchronization

/// The queue under every channel and every mailbox: many producers, one consumer, no locks.
///
/// An unbounded queue is a linked list of blocks of slots. It starts in a few slots of the queue's own memory and
/// returns to them whenever the consumer idles. A bounded queue is a ring. The list follows the ones in
/// crossbeam-channel and tokio; the idle bit in the tail word follows the scheduling flag of the Erlang and Pony
/// run-time systems.
///
/// This type is a view: a typed pointer to raw memory that its owner (a channel core, or an actor's cell) creates and
/// destroys. Because the memory is raw, it pays for no exclusivity checks; it is up to the owner that there is only
/// one consumer.
///
/// These are the steps on `tail`, and what each ordering pairs with:
/// - *push* (compare-exchange, acquire-release) acquires what *idle* released, which is the consumer's own fields.
///   With the acquiring load before it, it acquires the block that *install* released.
/// - *install* (and, release) publishes `tailBlock` to the next sender.
/// - *idle* (compare-exchange, acquire-release) releases the consumer's fields to whoever runs as the consumer next.
/// - *close* (acquire-release; a compare-exchange, or an or where nothing has to be woken) makes the index before it
///   the final one.
/// - *control* is a compare-exchange, acquire-release.
/// - *permits* are described with the bounded queue.
///
/// The flag of a slot releases its element to the acquiring load in `take`.
@usableFromInline package struct MessageQueue<Element: ~Copyable>: Copyable, @unchecked Sendable {
  @usableFromInline package typealias Segment = SlotSegment<Element>
  @usableFromInline package let state: UnsafeMutablePointer<QueueState>

  @inlinable package init(state: UnsafeMutablePointer<QueueState>) { self.state = state }

  /// The consumer's part of the queue. Only the one consumer may touch it, except for `head`, which is open to anybody.
  @inlinable package var consumer: UnsafeMutablePointer<ConsumerState> {
    (UnsafeMutableRawPointer(state) + Self.consumerOffset).assumingMemoryBound(to: ConsumerState.self)
  }

  /// The slots inside the queue's own memory, of an unbounded queue.
  @inlinable package var inlineSegment: UnsafeMutableRawPointer { UnsafeMutableRawPointer(state) + Self.slotsOffset }
  /// The slots of a bounded one.
  @inlinable package var ring: UnsafeMutableRawPointer { UnsafeMutableRawPointer(state) + Self.ringOffset }

  // MARK: Memory

  // The layout is `[QueueState][inline slots][ConsumerState]`, and for a bounded queue, a cache line further,
  // `[ring]`.
  @inlinable package static var slotsOffset: Int {
    let align = Segment.alignment
    return (MemoryLayout<QueueState>.size + align - 1) & ~(align - 1)
  }
  @inlinable package static var consumerOffset: Int {
    (slotsOffset + Segment.byteCount(Segment.inlineCapacity) + 7) & ~7
  }
  @inlinable package static var unboundedByteCount: Int { consumerOffset + MemoryLayout<ConsumerState>.size }
  @inlinable package static var ringOffset: Int {
    let align = Segment.alignment
    return (unboundedByteCount + 64 + align - 1) & ~(align - 1)
  }
  @inlinable package static func ringCapacity(_ capacity: Int) -> Int {
    var slots = 1
    while slots < capacity { slots <<= 1 }
    return slots
  }
  /// How many bytes a queue needs whose ring has that many slots; 0 stands for an unbounded queue.
  @inlinable package static func byteCount(_ ring: Int) -> Int {
    ring == 0 ? unboundedByteCount : ringOffset + Segment.byteCount(ringCapacity(ring))
  }

  /// Lays out an empty queue in `memory`. `initial` are the bits that its tail word starts with. If the ring has
  /// fewer slots than the capacity, the capacity also counts room for what is kept elsewhere.
  @inlinable package static func create(
    at memory: UnsafeMutableRawPointer, capacity: Int, ring: Int, initial: UInt
  ) -> MessageQueue {
    let segment = memory + (capacity == 0 ? slotsOffset : ringOffset)
    let slots = capacity == 0 ? Segment.inlineCapacity : ringCapacity(ring)
    segment.initializeMemory(as: UInt8.self, repeating: 0, count: Segment.flagsOffset + slots)
    let queue = MessageQueue(state: memory.bindMemory(to: QueueState.self, capacity: 1))
    queue.state.initialize(
      to: QueueState(slots: slots, capacity: capacity, tail: capacity == 0 ? initial | TailWord.inline : initial))
    queue.consumer.initialize(to: ConsumerState(segment: segment, limit: slots, isBounded: capacity != 0))
    return queue
  }

  /// Frees the blocks. The queue must be empty, and nobody may use it any more.
  @inlinable package func destroyBlocks() {
    if consumer.pointee.isBounded { return }
    if !consumer.pointee.isInline { RawMemory.free(consumer.pointee.segment) }
    consumer.pointee.isInline = true
    if let spare = UnsafeMutableRawPointer(bitPattern: state.pointee.spareOrHeadCache.exchange(0, ordering: .acquiring))
    {
      RawMemory.free(spare)
    }
  }

  @inlinable package static func flags(_ segment: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Atomic<UInt8>> {
    (segment + Segment.flagsOffset).assumingMemoryBound(to: Atomic<UInt8>.self)
  }

  /// Returns a block for the next sender, with the bit `QueueState.longBlock` if it is a long one.
  @inlinable @inline(never) func takeBlock() -> UInt {
    if state.pointee.spareOrHeadCache.load(ordering: .relaxed) != 0 {
      // Acquiring: the consumer has cleared the flags of the block. Pairs with the releasing store in `recycle`.
      let spare = state.pointee.spareOrHeadCache.exchange(0, ordering: .acquiring)
      if spare != 0 { return spare }
    }
    // The consumer's cache line is read only here, where the consumer has left no block, which means that it does not
    // keep up.
    let head = consumer.pointee.head.load(ordering: .relaxed) >> 1
    let behind = Int(bitPattern: state.pointee.tail.load(ordering: .relaxed) >> TailWord.shift &- head)
    let isLong = behind >= Int(Segment.longBacklog)
    return UInt(bitPattern: Segment.allocateBlock(long: isLong)) | (isLong ? QueueState.longBlock : 0)
  }

  @inlinable static func address(_ block: UInt) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(bitPattern: block & ~QueueState.longBlock).unsafelyUnwrapped
  }

  /// Keeps one drained block for the next sender that needs one. Only the consumer puts one there. A long block is
  /// freed instead, because the rest of the program should have that memory back.
  @inlinable func recycle(_ block: UnsafeMutableRawPointer, long isLong: Bool) {
    if isLong || state.pointee.spareOrHeadCache.load(ordering: .relaxed) != 0 { return RawMemory.free(block) }
    block.initializeMemory(as: UInt8.self, repeating: 0, count: Segment.flagsOffset + Segment.blockCapacity)
    state.pointee.spareOrHeadCache.store(UInt(bitPattern: block), ordering: .releasing)
  }
}
