/// Lays out the memory of one cell: first the queue with its slots, then the behavior, then the factory if there is
/// one. It makes and destroys what lies there. Only the thread that spawns, and then the cell's worker, may use it.
@usableFromInline struct BehaviorStorage<B: ~Copyable, Message: ~Copyable> {
  @usableFromInline typealias Factory = @Sendable () throws -> B
  /// Where the behavior lies.
  @usableFromInline let base: UnsafeMutableRawPointer

  @inlinable @inline(__always) init(of cell: Cell) {
    let ring = cell.isBounded ? Int(cell.mailbox.queue.pointee.ringMask) + 1 : 0
    base = UnsafeMutableRawPointer(cell.mailbox.queue) + Self.offset(ring)
  }
  /// How many bytes behind the beginning of the cell's memory the behavior lies. `ring` is the number of slots in the
  /// queue's ring, or 0 if the queue is unbounded.
  @inlinable @inline(__always) static func offset(_ ring: Int) -> Int {
    (MessageQueue<Message>.byteCount(ring) + alignment - 1) & ~(alignment - 1)
  }

  @inlinable static var alignment: Int { max(MemoryLayout<B>.alignment, 8) }
  @inlinable static var factoryOffset: Int {
    let align = MemoryLayout<Factory>.alignment
    return (MemoryLayout<B>.size + align - 1) & ~(align - 1)
  }
  /// The number of bytes that the behavior takes, with its factory if there is one.
  @inlinable static func byteCount(factory hasFactory: Bool) -> Int {
    hasFactory ? factoryOffset + MemoryLayout<Factory>.size : MemoryLayout<B>.size
  }

  @inlinable var behavior: UnsafeMutablePointer<B> { base.assumingMemoryBound(to: B.self) }
  /// Where the factory lies. It is there only if the cell is restartable.
  @inlinable var factory: UnsafeMutablePointer<Factory> {
    (base + Self.factoryOffset).assumingMemoryBound(to: Factory.self)
  }

  /// Makes the behavior with the factory. Does nothing if the behavior was given by value, since it lies there already.
  /// Throws what the factory throws.
  @inlinable func make(for cell: Cell) throws {
    if cell.isRestartable { behavior.initialize(to: try factory.pointee()) }
  }

  /// Makes a cell of this kind, enters it in its parent's table, and makes it runnable. Returns its address also if it
  /// is refused, because the name is taken or the parent is stopping. Exactly one of the factory and the behavior is
  /// given.
  ///
  /// It runs on the caller's thread. It allocates the cell and its memory, unless the worker has kept a cell of the
  /// same size.
  @inlinable static func spawn(
    at place: TreePosition, _ options: SpawnOptions, _ kind: Unmanaged<CellKind>, factory: Factory?,
    behavior: consuming B?
  ) -> Address<Message> {
    options.check(Message.self)
    let ring = options.capacity == 0 ? 0 : MessageQueue<Message>.ringCapacity(options.ring)
    let cell = Cell.take(
      byteCount: offset(ring) + byteCount(factory: factory != nil),
      alignment: max(alignment, SlotSegment<Message>.alignment, 16), options, place)
    let memory = UnsafeMutableRawPointer(cell.mailbox.queue)
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

  /// Ends an incarnation that will be followed by another: destroys the behavior and begins to wait for the restart.
  /// The hook `stopping` has run before. Called on the cell's worker.
  @inlinable func endIncarnation(_ cell: Cell) {
    if cell.life.isStarted { behavior.deinitialize(count: 1) }
    cell.life.isStarted = false
    // The asks whose replies the behavior kept fail now, and not with the next incarnation's handler.
    cell.settleDroppedReplies(nil)
    cell.awaitRestart()
  }

  /// Ends a cell for good: destroys the behavior, makes dead letters of what is left in the mailbox, and tells those
  /// who want to hear of the end. Called on the cell's worker, which must not touch the cell after this.
  @inlinable func end(_ cell: Cell) {
    // A behavior that was given by value is there even if the actor never started.
    if cell.life.isStarted || !cell.isRestartable { behavior.deinitialize(count: 1) }
    if cell.isRestartable { factory.deinitialize(count: 1) }
    let queue = MessageQueue<Message>(state: cell.mailbox.queue)
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
