/// The memory of one cell: the queue with its slots, then the behavior, then the factory.
@usableFromInline struct BehaviorStorage<B: ~Copyable, Message: ~Copyable> {
  @usableFromInline typealias Factory = @Sendable () throws -> B
  @usableFromInline let base: UnsafeMutableRawPointer

  @inlinable init(_ base: UnsafeMutableRawPointer) { self.base = base }

  @inlinable static var alignment: Int { max(MemoryLayout<B>.alignment, 8) }
  @inlinable static var factoryOffset: Int {
    let align = MemoryLayout<Factory?>.alignment
    return (MemoryLayout<B>.size + align - 1) & ~(align - 1)
  }
  @inlinable static var byteCount: Int { factoryOffset + MemoryLayout<Factory?>.size }

  @inlinable var behavior: UnsafeMutablePointer<B> { base.assumingMemoryBound(to: B.self) }
  @inlinable var factory: UnsafeMutablePointer<Factory?> {
    (base + Self.factoryOffset).assumingMemoryBound(to: Factory?.self)
  }

  /// Allocates the memory of a cell with this behavior, and lays the queue out. The second is where the behavior goes.
  @inlinable static func allocate(
    capacity: Int, initial: UInt
  ) -> (UnsafeMutablePointer<QueueState>, UnsafeMutableRawPointer) {
    let queueBytes = MessageQueue<Message>.byteCount(capacity)
    let align = max(alignment, SlotSegment<Message>.alignment, 16)
    let offset = (queueBytes + alignment - 1) & ~(alignment - 1)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: offset + byteCount, alignment: align)
    let queue = MessageQueue<Message>.create(at: memory, capacity: capacity, initial: initial)
    return (queue.state, memory + offset)
  }

  /// Makes the behavior. Throws what the factory throws.
  @inlinable func make() throws {
    guard let factory = factory.pointee else { return }
    behavior.initialize(to: try factory())
  }
}
