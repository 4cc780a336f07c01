public import Synchronization

/// `Drain` for handlers that may await. Its turns run in the tasks of `AsyncLoops`, and differ from those of `Drain`:
/// - After an await the thread, and so the worker, may be another one. The turn asks `loop.executor` for it.
/// - While a handler is suspended, whoever stops the actor may cancel the task that runs the turn. From a turn's first
///   suspension on the cell names that task (`LoopExecutor.isNoted`), and the turn takes the name back before the cell
///   idles, ends or goes to the back of the line (`Cell.leaveHandler`). If the task has been cancelled by then, the
///   cell goes on in another one.
/// - After a step of the life cycle the turn goes on. A turn of `Drain` is over then.
@usableFromInline enum AsyncDrain<B: AsyncBehavior & ~Copyable> {
  @usableFromInline typealias Storage = BehaviorStorage<B, B.Message>

  @inlinable static func spawn(
    at place: TreePosition, _ options: SpawnOptions, factory: Storage.Factory?, behavior: consuming B?
  ) -> Address<B.Message> {
    if place.isIntercepted { return spawnIntercepted(at: place, options, factory: factory, behavior: behavior) }
    return spawnPlain(at: place, options, factory: factory, behavior: behavior)
  }

  @inlinable static func spawnPlain(
    at place: TreePosition, _ options: SpawnOptions, factory: Storage.Factory?, behavior: consuming B?
  ) -> Address<B.Message> {
    let kind = CellKind.of(Self.self, B.Message.self, .async { loop in await run(loop) })
    return Storage.spawn(at: place, options, kind, factory: factory, behavior: behavior)
  }

  /// A turn of the loop's cell, then one of each of the next cells as long as they run the same code: that
  /// spares the call.
  ///
  /// It has no isolation of its own, but that of its caller, the loop. So the language's runtime is not asked
  /// at its beginning whether it is on the right executor.
  @inline(__always) @inlinable static func run(_ loop: AsyncLoop) async {
    // After the call of a function value the compiler has the runtime asked whether this is the right
    // executor. Once it has been, the compiler knows as much until something suspends, and so does not have
    // it asked after each message.
    let here: nonisolated(nonsending) () async -> Void = {}
    await here()
    let kind = loop.kind
    repeat {
      // As in `Drain.run`, no reference to the cell is counted for its turn, and when that is over the cell
      // may have gone.
      let slot = loop.slot.assumingMemoryBound(to: Context<B.Message>.self)
      let context = slot.move()
      await turn(context, loop)
      slot.initialize(to: consume context)
    } while loop.goesOn(kind)
  }

  @inline(__always) @inlinable static func turn(_ context: Context<B.Message>, _ loop: AsyncLoop) async {
    let cell = context.cell
    let queue = MessageQueue<B.Message>(state: cell.mailbox.queue)
    let storage = Storage(of: cell)
    let executor = loop.executor
    // By way of values, as above.
    let advanceLifeCycle: LifeCycleStep = Self.advanceLifeCycle
    let open: Open = Self.open
    if cell.life.phase != .running {
      guard await advanceLifeCycle(cell, storage, context, loop) else { return }
    }
    let behavior = storage.behavior
    executor.isHandling = true
    cell.turnBegins()
    var left = Turn.messageLimit
    // What was left when they were counted.
    var counted = left
    let start = executor.ticks
    let last = executor.turnReduction
    var holes = 0
    while true {
      let isReady = cell.lookAtLanes(queue)
      if cell.life.phase != .running {
        cell.updateIdleSince(left)
        executor.addHandled(counted - left, cell)
        left = Turn.messageLimit
        counted = left
        executor.isHandling = false
        guard await advanceLifeCycle(cell, storage, context, loop) else { return }
        executor.isHandling = true
        cell.turnBegins()
        continue
      }
      let before = left
      do {
        if cell.hasEnvelopes, let envelope = cell.nextEnvelope(at: queue.ownIndex) {
          try await open(envelope, cell, behavior, context, &left, loop)
        } else if isReady {
          let message = cell.takeReady(queue)
          left -= 1
          if B.isStale(message) {
            shed(message, cell)
          } else {
            try await behavior.pointee.receive(message, in: context)
          }
        } else {
          cell.turnEnds(left)
          executor.addHandled(counted - left, cell)
          counted = left
          executor.isHandling = false
          let isCancelled = executor.isNoted && cell.leaveHandler(loop)
          let idling = queue.idle()
          if idling == .idle { return }
          holes += 1
          if isCancelled || holes > 100 { return cell.yield() }
          executor.isHandling = true
          cell.turnBegins()
          switch idling {
          case .finished where cell.isDraining: cell.finishDraining()
          case .notEmpty, .finished: Turn.pause()
          // The lane may be empty by now. A poster sets its bit in the lane first and the *control* bit of
          // the tail last, so the bit may have been handled already.
          case .control: cell.handleControl()
          case .idle: break
          }
          continue
        }
        if executor.hasDroppedReplies { executor.settleDroppedReplies(nil) }
      } catch {
        executor.settleDroppedReplies(error)
        if left < before { cell.addFailed() }
        cell.fail(error, handling: left < before ? typeName(B.Message.self) : nil)
      }
      // On another worker the ticks say another number: a turn is long then.
      if left > last && !Turn.isLong(executor.ticks, since: start) { continue }
      cell.noteDepth(queue.backlog)
      cell.turnEnds(left)
      executor.addHandled(counted - left, cell)
      executor.isHandling = false
      if executor.isNoted { _ = cell.leaveHandler(loop) }
      return cell.yield()
    }
  }

  @usableFromInline typealias Open =
    nonisolated(nonsending) (
      Envelope, Cell, UnsafeMutablePointer<B>, Context<B.Message>, inout Int, AsyncLoop
    ) async throws -> Void
  @usableFromInline typealias LifeCycleStep =
    nonisolated(nonsending) (Cell, Storage, Context<B.Message>, AsyncLoop) async -> Bool

  @inlinable @inline(never) static func open(
    _ envelope: Envelope, _ cell: Cell, _ behavior: UnsafeMutablePointer<B>, _ context: Context<B.Message>,
    _ left: inout Int, _ loop: AsyncLoop
  ) async throws {
    cell.updateIdleSince(left)
    switch cell.open(envelope) {
    case .nothing: return
    case .signal(let signal):
      try await behavior.pointee.signal(signal, in: context)
    case .message:
      guard let message = envelope.takeMessage(of: B.Message.self) else { return }
      left -= 1
      if B.isStale(message) { return shed(message, cell) }
      try await behavior.pointee.receive(message, in: context)
    }
  }

  /// A message that nobody needs handled.
  @inlinable @inline(never) static func shed(_ message: consuming B.Message, _ cell: Cell) {
    _ = consume message
    cell.shed(B.Message.self)
  }

  /// See `Drain.advanceLifeCycle`.
  @inlinable @inline(never) static func advanceLifeCycle(
    _ cell: Cell, _ storage: Storage, _ context: Context<B.Message>, _ loop: AsyncLoop
  ) async -> Bool {
    let queue = MessageQueue<B.Message>(state: cell.mailbox.queue)
    while true {
      if cell.mailbox.control.isPending { cell.handleControl() }
      switch cell.life.phase {
      case .running: return true
      case .starting:
        do {
          try storage.make(for: cell)
          cell.life.isStarted = true
          loop.executor.isHandling = true
          try await storage.behavior.pointee.started(in: context)
          loop.executor.isHandling = false
          loop.executor.settleDroppedReplies(nil)
          cell.incarnationBegins()
        } catch {
          loop.executor.isHandling = false
          loop.executor.settleDroppedReplies(error)
          cell.fail(error, handling: nil)
        }
      case .restarting where cell.childrenHaveEnded:
        if loop.executor.isNoted && cell.leaveHandler(loop) { return giveBack(cell) }
        if cell.life.isStarted { await stop(storage, context, loop) }
        storage.endIncarnation(cell)
      case .stopping where cell.childrenHaveEnded:
        // The hook runs in a task that has not been cancelled.
        if loop.executor.isNoted && cell.leaveHandler(loop) { return giveBack(cell) }
        if cell.life.isStarted { await stop(storage, context, loop) }
        // What goes with an ended cell may drop replies, and they are no handler's.
        loop.executor.cell = nil
        storage.end(cell)
        return false
      case .suspended, .backingOff, .restarting, .stopping, .ended:
        cell.turnEndsEarly()
        let isCancelled = loop.executor.isNoted && cell.leaveHandler(loop)
        let idling = queue.idle()
        if idling == .idle { return false }
        if idling == .control { cell.handleControl() }
        if isCancelled { return giveBack(cell) }
      }
    }
  }

  /// The last hook of an incarnation. Nothing cancels it: `isHandling` is false.
  @inlinable static func stop(_ storage: Storage, _ context: Context<B.Message>, _ loop: AsyncLoop) async {
    await storage.behavior.pointee.stopping(in: context)
    loop.executor.settleDroppedReplies(nil)
  }

  /// The cell goes on in another task.
  @usableFromInline static func giveBack(_ cell: Cell) -> Bool {
    cell.yield()
    return false
  }
}

extension LoopExecutor {
  @inlinable var ticks: UInt32 {
    worker.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.ticks.load(ordering: .relaxed) }
  }
  @inlinable var turnReduction: Int { worker.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.turnReduction } }
  @inlinable func addHandled(_ count: Int, _ cell: Cell) {
    worker.unsafelyUnwrapped._withUnsafeGuaranteedRef { cell.addHandled(count, $0) }
  }
}

extension Cell {
  @usableFromInline func addFailed() { Worker.withCurrent { addFailed($0) } }
  /// After an await the worker may be another one.
  @usableFromInline func addHandled(_ count: Int) { Worker.withCurrent { addHandled(count, $0) } }

  /// To the back of the line, on whatever worker the handler ended.
  @usableFromInline func yield() {
    if let worker = Worker.current { yield(worker) } else { schedule() }
  }

  /// The handler has ended.
  @usableFromInline func settleDroppedReplies(_ error: (any Error)?) {
    if LoopExecutor.withCurrentHandler({ $0.settleDroppedReplies(error) }) != nil { return }
    Worker.withCurrent { $0.settleDroppedReplies(error) }
  }
}
