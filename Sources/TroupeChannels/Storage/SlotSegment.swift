/// The memory layout of a run of slots: `[next segment][one flag a slot][elements]`.
///
/// The flags stand apart from the elements, so that a slot costs only its element and one byte, and so that a
/// consumer that lags behind reads 64 flags with one cache line.
///
/// The flag 0 means "unwritten", and 1 means "written". In a block the flags are cleared when the block is used again,
/// and in the inline slots each take clears one. In a ring "written" is 1 in one lap and 2 in the next, so the consumer
/// never has to clear a flag. Once all slots of a block are taken, no sender touches the block any more, because the
/// link and the flags were written before that.
@usableFromInline package enum SlotSegment<Element: ~Copyable> {
  @inlinable package static var stride: Int { max(MemoryLayout<Element>.stride, 1) }
  @inlinable package static var alignment: Int { max(MemoryLayout<Element>.alignment, 8) }

  /// How many slots lie inside the queue's own memory: enough that short queues never need a block.
  @inlinable package static var inlineCapacity: Int {
    stride <= 32 ? 4 : stride <= 256 ? 2 : 1
  }
  /// How many slots a block has, always a power of two. Very large elements get only two, which is also how tests
  /// reach every edge.
  @inlinable package static var blockCapacity: Int {
    stride <= 16 ? 64 : stride <= 64 ? 32 : stride <= 256 ? 16 : stride <= 4096 ? 4 : 2
  }

  @inlinable package static var blockShift: UInt { UInt(blockCapacity.trailingZeroBitCount) }

  /// How many slots a long block has: as many as fit into one huge page, rounded down to a multiple of
  /// `blockCapacity`. Very large elements get only four, for the sake of the tests.
  ///
  /// Without long blocks, page faults were a third of the time of a long queue.
  @inlinable package static var longCapacity: Int {
    stride > 4096 ? 2 * blockCapacity : (RawMemory.hugePage - 64) / (stride + 1) & ~(blockCapacity - 1)
  }
  /// How many indexes a queue must be behind before its senders use long blocks. It is as many as fill one long
  /// block, so that at most about half of a queue's memory is unused.
  @inlinable package static var longBacklog: UInt { UInt(stride > 4096 ? blockCapacity : longCapacity) }

  /// Allocates a block whose flags all say "unwritten".
  @inlinable package static func allocateBlock(long isLong: Bool) -> UnsafeMutableRawPointer {
    let capacity = isLong ? longCapacity : blockCapacity
    let block =
      isLong && stride <= 4096
      ? RawMemory.allocateHugePage() : RawMemory.allocate(byteCount(capacity), alignment: alignment)
    block.initializeMemory(as: UInt8.self, repeating: 0, count: flagsOffset + capacity)
    return block
  }

  @inlinable package static var flagsOffset: Int { 8 }
  @inlinable package static func elementsOffset(_ capacity: Int) -> Int {
    let align = MemoryLayout<Element>.alignment
    return (flagsOffset + capacity + align - 1) & ~(align - 1)
  }
  @inlinable package static func byteCount(_ capacity: Int) -> Int {
    elementsOffset(capacity) + capacity * stride
  }
}
