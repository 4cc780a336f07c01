/// `Drain` for handlers that may await.
@usableFromInline enum AsyncDrain<B: AsyncBehavior & ~Copyable> {
  @usableFromInline typealias Storage = BehaviorStorage<B, B.Message>

  @inlinable static func spawn(
    at place: Place, _ options: SpawnOptions, factory: Storage.Factory?, behavior: consuming B?
  ) -> Address<B.Message> {
    if place.isIntercepted { return spawnIntercepted(at: place, options, factory: factory, behavior: behavior) }
    return spawnPlain(at: place, options, factory: factory, behavior: behavior)
  }

  @inlinable static func spawnPlain(
    at place: Place, _ options: SpawnOptions, factory: Storage.Factory?, behavior: consuming B?
  ) -> Address<B.Message> {
    Storage.spawn(
      at: place, options, .async { cell, loop in await run(Context(cell), loop) }, factory: factory, behavior: behavior)
  }

  /// One turn, in a task of the worker. After each await the thread, and so the worker, may be another one.
  @inlinable static func run(_ context: Context<B.Message>, _ loop: isolated AsyncLoop) async {
    let cell = context.cell
    let queue = MessageQueue<B.Message>(state: cell.queue)
    let storage = Storage(cell.storage)
    cell.enterHandler(loop)
    if cell.phase != .running {
      guard await live(cell, storage, context, loop) else { return }
    }
    let behavior = storage.behavior
    cell.turnBegins()
    var left = Turn.messages
    // What was left when they were counted.
    var counted = left
    let start = Worker.currentTicks
    let last = Worker.currentWithheld
    var holes = 0
    while true {
      // Before the lane: whoever sent the message that is ready may have posted something before that, and then it is seen.
      let isReady = queue.isReady
      if cell.control.isPending { cell.handleControl() }
      if cell.phase != .running {
        cell.noteMessages(left)
        cell.addHandled(counted - left)
        left = Turn.messages
        counted = left
        guard await live(cell, storage, context, loop) else { return }
        cell.turnBegins()
        continue
      }
      let before = left
      do {
        if cell.hasParcels, let parcel = cell.nextParcel(at: queue.ownIndex) {
          try await open(parcel, cell, behavior, context, &left, loop)
        } else if isReady {
          let message = queue.takeReady()
          if queue.consumer.pointee.roomWanted { cell.handOutRoom(queue) }
          left -= 1
          if B.isStale(message) {
            shed(message, cell)
          } else {
            try await behavior.pointee.receive(message, in: context)
          }
        } else {
          cell.turnEnds(left)
          cell.addHandled(counted - left)
          counted = left
          let isCancelled = cell.leaveHandler(loop)
          let idling = queue.idle()
          if idling == .idle { return }
          holes += 1
          if isCancelled || holes > 100 { return cell.yield() }
          cell.enterHandler(loop)
          cell.turnBegins()
          switch idling {
          case .finished where cell.isDraining: cell.finishDraining()
          case .notEmpty, .finished: Turn.pause()
          // Also without a bit in the lane: its poster sets that of the tail last.
          case .control: cell.handleControl()
          case .idle: break
          }
          continue
        }
        loop.settleDroppedReplies(nil)
      } catch {
        loop.settleDroppedReplies(error)
        if left < before { cell.addFailed() }
        cell.fail(error, handling: left < before ? typeName(B.Message.self) : nil)
      }
      if left > last && !Turn.isLong(Worker.currentTicks, since: start) { continue }
      cell.noteDepth(queue.backlog)
      cell.turnEnds(left)
      cell.addHandled(counted - left)
      _ = cell.leaveHandler(loop)
      return cell.yield()
    }
  }

  @inlinable @inline(never) static func open(
    _ parcel: Parcel, _ cell: Cell, _ behavior: UnsafeMutablePointer<B>, _ context: Context<B.Message>,
    _ left: inout Int, _ loop: isolated AsyncLoop
  ) async throws {
    cell.noteMessages(left)
    switch cell.open(parcel) {
    case .nothing: return
    case .signal(let signal):
      try await behavior.pointee.signal(signal, in: context)
    case .message:
      guard let message = unsafeDowncast(parcel, to: MessageParcel<B.Message>.self).take() else { return }
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

  /// See `Drain.live`.
  @inlinable @inline(never) static func live(
    _ cell: Cell, _ storage: Storage, _ context: Context<B.Message>, _ loop: isolated AsyncLoop
  ) async -> Bool {
    let queue = MessageQueue<B.Message>(state: cell.queue)
    while true {
      if cell.control.isPending { cell.handleControl() }
      switch cell.phase {
      case .running: return true
      case .new:
        do {
          try storage.make()
          cell.isStarted = true
          try await storage.behavior.pointee.started(in: context)
          loop.settleDroppedReplies(nil)
          cell.incarnationBegins()
        } catch {
          loop.settleDroppedReplies(error)
          cell.fail(error, handling: nil)
        }
      case .restarting where cell.mayEnd:
        if cell.leaveHandler(loop) { return giveBack(cell) }
        if cell.isStarted {
          await storage.behavior.pointee.stopping(in: context)
          loop.settleDroppedReplies(nil)
        }
        storage.endIncarnation(cell)
        cell.enterHandler(loop)
      case .stopping where cell.mayEnd:
        // The hook runs in a task that has not been cancelled.
        if cell.leaveHandler(loop) { return giveBack(cell) }
        if cell.isStarted {
          await storage.behavior.pointee.stopping(in: context)
          loop.settleDroppedReplies(nil)
        }
        storage.end(cell)
        return false
      case .suspended, .waiting, .restarting, .stopping, .ended:
        cell.rests()
        let isCancelled = cell.leaveHandler(loop)
        let idling = queue.idle()
        if idling == .idle { return false }
        if idling == .control { cell.handleControl() }
        if isCancelled { return giveBack(cell) }
        cell.enterHandler(loop)
      }
    }
  }

  /// The cell goes on in another task.
  @usableFromInline static func giveBack(_ cell: Cell) -> Bool {
    cell.yield()
    return false
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
