/// Memory layout of a run of slots: `[next segment][one flag a slot][elements]`.
///
/// The flags stand apart from the elements so that a slot costs its element and one byte, and a consumer that lags
/// behind reads 64 of them with one cache line.
@usableFromInline package enum SlotSegment<Element: ~Copyable> {
  @inlinable package static var stride: Int { max(MemoryLayout<Element>.stride, 1) }
  @inlinable package static var alignment: Int { max(MemoryLayout<Element>.alignment, 8) }

  /// Slots inside the queue's own memory: enough that short queues never touch a block.
  @inlinable package static var inlineCapacity: Int {
    stride <= 8 ? 5 : stride <= 32 ? 4 : stride <= 256 ? 2 : 1
  }
  /// Slots in a block, a power of two. Two for very large elements, which is also how tests reach every edge.
  @inlinable package static var blockCapacity: Int {
    stride <= 16 ? 64 : stride <= 64 ? 32 : stride <= 256 ? 16 : stride <= 4096 ? 4 : 2
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
