/// `Drain` for handlers that interleave. Its turns run on the executor of the cell, the lane, and differ from those of
/// `Drain`:
/// - A turn does not wait for handlers. It begins one for each message, as a task on the lane, until as many are under
///   way as may be. Then only the control lane of the cell wakes it, on which the end of a handler is posted.
/// - A hook begins when no handler runs, and is such a task too. A restart and the end wait for the handlers.
/// - A handler counts its own message, and passes its own error on, when it has ended.
///
/// The behavior goes into closures that run on the lane, as the turns do. The compiler is told that this is safe
/// (`nonisolated(unsafe)`), since it takes the lane that a closure is given for another one.
@usableFromInline enum InterleavedDrain<B: InterleavingBehavior> {
  @usableFromInline typealias Storage = BehaviorStorage<B, B.Message>

  @inlinable static func spawn(
    at place: TreePosition, _ options: SpawnOptions, factory: @escaping Storage.Factory
  ) -> Address<B.Message> {
    if place.isIntercepted { return spawnIntercepted(at: place, options, factory: factory) }
    return spawnPlain(at: place, options, factory: factory)
  }

  @inlinable static func spawnPlain(
    at place: TreePosition, _ options: SpawnOptions, factory: @escaping Storage.Factory
  ) -> Address<B.Message> {
    let kind = CellKind.of(Self.self, B.Message.self, .interleaved { cell, lane in run(cell, lane) })
    return Storage.spawn(at: place, options, kind, factory: factory, behavior: nil)
  }

  @inlinable static func run(_ cell: Cell, _ lane: isolated InterleavingExecutor) {
    let queue = MessageQueue<B.Message>(state: cell.mailbox.queue)
    cell.turnBegins()
    var left = Turn.messageLimit
    var holes = 0
    while true {
      let isReady = cell.lookAtLanes(queue)
      guard cell.life.phase == .running, !lane.isFull, !lane.isResting else {
        cell.updateIdleSince(left)
        if !advanceLifeCycle(cell, lane) { return }
        continue
      }
      if cell.hasEnvelopes, let envelope = cell.nextEnvelope(at: queue.ownIndex) {
        open(envelope, cell, lane, &left)
      } else if isReady {
        let message = cell.takeReady(queue)
        left -= 1
        begin(message, cell, lane)
      } else {
        cell.turnEnds(left)
        switch queue.idle() {
        // Another turn may have begun by now, and may even have ended the cell.
        case .idle: return
        case .control: cell.handleControl()
        case .finished where cell.isDraining && lane.isQuiet: cell.finishDraining()
        case .finished where cell.isDraining: if rest(cell, queue, lane) { return }
        case .notEmpty, .finished:
          holes += 1
          if holes > 100 { return cell.yield() }
          Turn.pause()
        }
        cell.turnBegins()
        continue
      }
      if left > 0 { continue }
      cell.noteDepth(queue.backlog)
      cell.turnEnds(left)
      return cell.yield()
    }
  }

  @inlinable static func open(
    _ envelope: Envelope, _ cell: Cell, _ lane: isolated InterleavingExecutor, _ left: inout Int
  ) {
    switch cell.open(envelope) {
    case .nothing: return
    case .message:
      guard let message = envelope.takeMessage(of: B.Message.self) else { return }
      left -= 1
      begin(message, cell, lane)
    case .signal(let signal):
      nonisolated(unsafe) let behavior = Storage(of: cell).behavior.pointee
      lane.begin(cell) { _ in
        do {
          try await behavior.signal(signal, in: Context(cell))
          cell.settleDroppedReplies(nil)
        } catch {
          cell.settleDroppedReplies(error)
          cell.fail(error, handling: nil)
        }
      }
    }
  }

  @inlinable static func begin(
    _ message: consuming B.Message, _ cell: Cell, _ lane: isolated InterleavingExecutor
  ) {
    if B.isStale(message) {
      _ = consume message
      return cell.deadLetter(.abandoned, B.Message.self)
    }
    // The handler's task takes the message out of an object, since a closure could not consume what it has captured.
    let envelope = MessageEnvelope<B.Message>(message)
    nonisolated(unsafe) let behavior = Storage(of: cell).behavior.pointee
    lane.begin(cell) { _ in
      guard let message = envelope.message.take() else { return }
      do {
        try await behavior.receive(message, in: Context(cell))
        cell.settleDroppedReplies(nil)
        cell.addHandled(1)
      } catch {
        cell.settleDroppedReplies(error)
        cell.addHandled(1)
        cell.addFailed()
        cell.fail(error, handling: typeName(B.Message.self))
      }
      cell.noteHandlerEnded()
    }
  }

  /// See `Drain.advanceLifeCycle`. False if the turn is over; the cell may have ended, or may be in another turn.
  @inlinable @inline(never) static func advanceLifeCycle(_ cell: Cell, _ lane: isolated InterleavingExecutor) -> Bool {
    let queue = MessageQueue<B.Message>(state: cell.mailbox.queue)
    let storage = Storage(of: cell)
    while true {
      if cell.mailbox.control.isPending { cell.handleControl() }
      switch cell.life.phase {
      case .running where !lane.isFull:
        cell.setSuspended(false)
        lane.isResting = false
        return true
      case .starting where lane.isQuiet: start(cell, storage, lane)
      case .restarting where !lane.isQuiet, .stopping where !lane.isQuiet:
        lane.cancelAll()
        if rest(cell, queue, lane) { return false }
      case .restarting where cell.childrenHaveEnded:
        if !stop(cell, storage, lane) {
          storage.endIncarnation(cell)
          lane.reset()
        }
      case .stopping where cell.childrenHaveEnded:
        if !stop(cell, storage, lane) {
          storage.end(cell)
          return false
        }
      default: if rest(cell, queue, lane) { return false }
      }
    }
  }

  /// Only the control lane wakes it.
  @inlinable static func rest(_ cell: Cell, _ queue: MessageQueue<B.Message>, _ lane: isolated InterleavingExecutor)
    -> Bool
  {
    cell.setSuspended(true)
    lane.isResting = true
    cell.turnEndsEarly()
    switch queue.idle() {
    case .idle: return true
    case .control: cell.handleControl()
    case .notEmpty, .finished: Turn.pause()
    }
    return false
  }

  @inlinable static func start(_ cell: Cell, _ storage: Storage, _ lane: isolated InterleavingExecutor) {
    do { try storage.make(for: cell) } catch { return cell.fail(error, handling: nil) }
    cell.life.isStarted = true
    nonisolated(unsafe) let behavior = storage.behavior.pointee
    lane.begin(cell, alone: true) { _ in
      do {
        try await behavior.started(in: Context(cell))
        cell.settleDroppedReplies(nil)
        // A stop may have come meanwhile.
        if cell.life.phase == .starting { cell.incarnationBegins() }
      } catch {
        cell.settleDroppedReplies(error)
        cell.fail(error, handling: nil)
      }
    }
  }

  /// Begins the hook, if it has to run and has not. False: it has.
  @inlinable static func stop(_ cell: Cell, _ storage: Storage, _ lane: isolated InterleavingExecutor) -> Bool {
    guard cell.life.isStarted, lane.takeStopping() else { return false }
    nonisolated(unsafe) let behavior = storage.behavior.pointee
    lane.begin(cell, alone: true) { _ in
      await behavior.stopping(in: Context(cell))
      cell.settleDroppedReplies(nil)
    }
    return true
  }
}

extension Cell {
  @usableFromInline func noteHandlerEnded() {
    if tracksIdleness { rareState.idleSince = preciseNow }
  }
}
