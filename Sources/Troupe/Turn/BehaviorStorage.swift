/// The memory of one cell: the queue with its slots, then the behavior, then the factory if there is one.
@usableFromInline struct BehaviorStorage<B: ~Copyable, Message: ~Copyable> {
  @usableFromInline typealias Factory = @Sendable () throws -> B
  @usableFromInline let base: UnsafeMutableRawPointer

  @inlinable @inline(__always) init(of cell: Cell) {
    let ring = cell.isBounded ? Int(cell.queue.pointee.ringMask) + 1 : 0
    base = UnsafeMutableRawPointer(cell.queue) + Self.offset(ring)
  }
  /// Where the behavior lies behind a queue with that many slots in its ring; 0 is unbounded.
  @inlinable @inline(__always) static func offset(_ ring: Int) -> Int {
    (MessageQueue<Message>.byteCount(ring) + alignment - 1) & ~(alignment - 1)
  }

  @inlinable static var alignment: Int { max(MemoryLayout<B>.alignment, 8) }
  @inlinable static var factoryOffset: Int {
    let align = MemoryLayout<Factory>.alignment
    return (MemoryLayout<B>.size + align - 1) & ~(align - 1)
  }
  @inlinable static func byteCount(factory hasFactory: Bool) -> Int {
    hasFactory ? factoryOffset + MemoryLayout<Factory>.size : MemoryLayout<B>.size
  }

  @inlinable var behavior: UnsafeMutablePointer<B> { base.assumingMemoryBound(to: B.self) }
  /// There only if the cell is restartable.
  @inlinable var factory: UnsafeMutablePointer<Factory> {
    (base + Self.factoryOffset).assumingMemoryBound(to: Factory.self)
  }

  /// Makes the behavior, unless it was given. Throws what the factory throws.
  @inlinable func make(for cell: Cell) throws {
    if cell.isRestartable { behavior.initialize(to: try factory.pointee()) }
  }

  /// Makes a cell of a kind, enters it below its parent, and makes it runnable.
  @inlinable static func spawn(
    at place: TreePosition, _ options: SpawnOptions, _ kind: Unmanaged<CellKind>, factory: Factory?,
    behavior: consuming B?
  ) -> Address<Message> {
    options.check(Message.self)
    let ring = options.capacity == 0 ? 0 : MessageQueue<Message>.ringCapacity(options.ring)
    let cell = Cell.take(
      byteCount: offset(ring) + byteCount(factory: factory != nil),
      alignment: max(alignment, SlotSegment<Message>.alignment, 16), options, place)
    let memory = UnsafeMutableRawPointer(cell.queue)
    _ = MessageQueue<Message>.create(at: memory, capacity: options.capacity, ring: options.ring, initial: 0)
    cell.begin(at: place, kind: kind, isRestartable: factory != nil)
    let storage = Self(of: cell)
    if let factory { storage.factory.initialize(to: factory) }
    let hasBehavior = behavior != nil
    if let behavior { storage.behavior.initialize(to: behavior) }
    let address = Address<Message>(of: cell)
    if place.isIntercepted { cell.system.interceptor?.spawns(Address<Message>(cell)) }
    if let end = cell.start() {
      if hasBehavior { storage.behavior.deinitialize(count: 1) }
      if factory != nil { storage.factory.deinitialize(count: 1) }
      cell.refuse(end)
    }
    return address
  }

  /// The end of an incarnation that will be followed by another.
  @inlinable func endIncarnation(_ cell: Cell) {
    if cell.isStarted { behavior.deinitialize(count: 1) }
    cell.isStarted = false
    // Replies that it kept: not the next incarnation's to fail.
    cell.settleDroppedReplies(nil)
    cell.awaitRestart()
  }

  /// The last of a cell: destroys the behavior, accounts for what is left in the mailbox, and lets others
  /// hear of the end.
  @inlinable func end(_ cell: Cell) {
    // One that was given by value is there also if it never started.
    if cell.isStarted || !cell.isRestartable { behavior.deinitialize(count: 1) }
    if cell.isRestartable { factory.deinitialize(count: 1) }
    let queue = MessageQueue<Message>(state: cell.queue)
    _ = queue.close(TailWord.closed | TailWord.gone)
    queue.drainClosed { message in
      _ = consume message
      cell.system.deadLetter(.queuedAtEnd, for: cell, Message.self)
    }
    while let envelope = cell.leftEnvelope() {
      _ = envelope.takeMessage(of: Message.self)
      cell.system.deadLetter(.queuedAtEnd, for: cell, Message.self)
    }
    cell.settleDroppedReplies(ReplyEnded())
    queue.destroyBlocks()
    cell.endLife()
  }
}
