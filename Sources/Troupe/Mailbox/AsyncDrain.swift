public import Synchronization

/// `Drain` for handlers that may await.
@usableFromInline enum AsyncDrain<B: AsyncBehavior & ~Copyable> {
  @usableFromInline typealias Storage = BehaviorStorage<B, B.Message>

  @inlinable static func spawn(
    at place: Place, _ options: SpawnOptions, factory: Storage.Factory?, behavior: consuming B?
  ) -> Address<B.Message> {
    Storage.spawn(
      at: place, options, .async { cell, loop in await run(cell, loop) }, factory: factory, behavior: behavior)
  }

  /// One turn, in a task of the worker. After each await the thread, and so the worker, may be another one.
  @inlinable static func run(_ cell: Cell, _ loop: isolated AsyncLoop) async {
    let queue = MessageQueue<B.Message>(state: cell.queue)
    let context = Context<B.Message>(cell)
    let storage = Storage(cell.storage)
    if cell.phase != .running {
      guard await begin(cell, storage, context, loop) else { return }
    }
    let behavior = storage.behavior
    cell.turnBegins()
    var left = Turn.messages
    guard let beginner = Worker.current else { fatalError("Troupe: an asynchronous cell ran outside of its workers") }
    let start = beginner.ticks.load(ordering: .relaxed)
    var holes = 0
    while true {
      if cell.control.isPending { cell.handleControl() }
      if cell.phase != .running {
        Worker.current?.counts.addHandled(Turn.messages - left)
        return await stop(cell, storage, context, loop)
      }
      if let message = queue.take() {
        if queue.consumer.pointee.roomWanted { cell.handOutRoom(queue) }
        left -= 1
        do {
          try await behavior.pointee.receive(message, in: context)
          cell.settleDroppedReplies(nil)
        } catch {
          cell.settleDroppedReplies(error)
          Worker.current?.counts.addHandled(Turn.messages - left - 1)
          Worker.current?.counts.addFailed()
          cell.fail(error, handling: typeName(B.Message.self))
          return await stop(cell, storage, context, loop)
        }
        if left > 0 && !Turn.isLong(beginner, since: start) { continue }
        if let worker = Worker.current {
          worker.counts.addHandled(Turn.messages - left)
          return cell.yield(worker)
        }
        left = Turn.messages
        continue
      }
      let worker = Worker.current
      cell.turnEnds()
      switch queue.idle() {
      case .idle:
        worker?.counts.addHandled(Turn.messages - left)
        return
      case .control: cell.handleControl()
      case .notEmpty, .finished:
        holes += 1
        if holes > 100, let worker {
          worker.counts.addHandled(Turn.messages - left)
          return cell.yield(worker)
        }
        Turn.pause()
      }
    }
  }

  @inlinable @inline(never) static func begin(
    _ cell: Cell, _ storage: Storage, _ context: Context<B.Message>, _ loop: isolated AsyncLoop
  ) async -> Bool {
    if cell.control.isPending { cell.handleControl() }
    if cell.phase == .new {
      do {
        try storage.make()
        cell.isStarted = true
        try await storage.behavior.pointee.started(in: context)
        cell.settleDroppedReplies(nil)
        cell.phase = .running
        return true
      } catch {
        cell.settleDroppedReplies(error)
        cell.fail(error, handling: nil)
      }
    }
    await stop(cell, storage, context, loop)
    return false
  }

  @inlinable @inline(never) static func stop(
    _ cell: Cell, _ storage: Storage, _ context: Context<B.Message>, _ loop: isolated AsyncLoop
  ) async {
    let queue = MessageQueue<B.Message>(state: cell.queue)
    while !cell.mayEnd {
      switch queue.idle() {
      case .idle: return
      case .control, .notEmpty, .finished: cell.handleControl()
      }
    }
    if cell.isStarted {
      await storage.behavior.pointee.stopping(in: context)
      cell.settleDroppedReplies(nil)
    }
    storage.end(cell)
  }
}

extension Cell {
  /// On whatever worker the handler ended.
  @usableFromInline func settleDroppedReplies(_ error: (any Error)?) {
    _ = Worker.withCurrent { $0.settleDroppedReplies(error) }
  }
}
