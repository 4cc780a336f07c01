public import Synchronization

/// Runs one kind of behavior on a cell. Formed where the actor is spawned, so that the compiler makes one
/// piece of code of the queue, the loop and the handler.
///
/// A worker gives a cell a turn after the cell was scheduled, and no other worker runs the cell meanwhile:
/// 1. A cell that is not running goes on in its life cycle (`advanceLifeCycle`): it starts, restarts, waits or ends.
/// 2. The turn looks whether a message is ready, and handles what the control lane holds (`Cell.lookAtLanes`).
///    Then the phase may have changed, which leads back to the life cycle.
/// 3. An envelope whose place has been reached is opened. If there is none, the message that is ready is handled. An
///    error that the handler throws goes to the actor's supervision (`Cell.fail`). The turn goes on with step 2.
/// 4. Where there is neither, the cell idles (`MessageQueue.idle`). If that succeeds the turn is over and does not
///    touch the cell any more, since another worker may run it or have ended it. It fails if something has come.
/// 5. After 256 messages, or when two ticks have passed, the cell goes to the back of the line. So it does if a
///    sender has reserved a slot and has not written it when the turn has looked a hundred times.
///
/// Handled messages are counted together, before the cell idles, ends or goes to the back of the line. `AsyncDrain`
/// and `InterleavedDrain` run such turns for the other kinds of behaviors, and say how theirs differ.
@usableFromInline enum Drain<B: Behavior & ~Copyable> {
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
    let kind = CellKind.of(Self.self, B.Message.self, .sync { cell, worker in run(Context(cell), worker) })
    return Storage.spawn(at: place, options, kind, factory: factory, behavior: behavior)
  }

  /// One turn.
  ///
  /// No reference to the cell is counted for it: the cell lives until its turn ends it (`Cell.endLife`), or
  /// gives it to another worker.
  @inlinable static func run(_ context: Context<B.Message>, _ worker: Worker) {
    let cell = context.cell
    let queue = MessageQueue<B.Message>(state: cell.mailbox.queue)
    let storage = Storage(of: cell)
    if cell.life.phase != .running && !advanceLifeCycle(cell, storage, context, worker) { return }
    let behavior = storage.behavior
    cell.turnBegins()
    var left = Turn.messageLimit
    // What was left when they were counted.
    var counted = left
    let start = worker.ticks.load(ordering: .relaxed)
    let last = worker.turnReduction
    var holes = 0
    while true {
      let isReady = cell.lookAtLanes(queue)
      if cell.life.phase != .running {
        cell.updateIdleSince(left)
        cell.addHandled(counted - left, worker)
        if !advanceLifeCycle(cell, storage, context, worker) { return }
        return cell.yield(worker)
      }
      let before = left
      do {
        if cell.hasEnvelopes, let envelope = cell.nextEnvelope(at: queue.ownIndex) {
          try open(envelope, cell, behavior, context, &left)
        } else if isReady {
          let message = cell.takeReady(queue)
          left -= 1
          if B.isStale(message) {
            shed(message, cell)
          } else {
            try behavior.pointee.receive(message, in: context)
          }
        } else {
          cell.turnEnds(left)
          cell.addHandled(counted - left, worker)
          counted = left
          switch queue.idle() {
          // Another worker may run the cell by now, and may even have ended it.
          case .idle: return
          // The lane may be empty by now. A poster sets its bit in the lane first and the *control* bit of
          // the tail last, so the bit may have been handled already.
          case .control:
            cell.turnBegins()
            cell.handleControl()
            continue
          case .finished where cell.isDraining:
            cell.turnBegins()
            cell.finishDraining()
            continue
          case .notEmpty, .finished:
            // A sender has reserved a slot and not yet written it. If it lost its processor, others go first.
            holes += 1
            if holes > 100 { return cell.yield(worker) }
            cell.turnBegins()
            Turn.pause()
            continue
          }
        }
        if worker.hasDroppedReplies { worker.settleDroppedReplies(nil) }
      } catch {
        worker.settleDroppedReplies(error)
        if left < before { cell.addFailed(worker) }
        cell.fail(error, handling: left < before ? typeName(B.Message.self) : nil)
      }
      if left > last && !Turn.isLong(worker.ticks.load(ordering: .relaxed), since: start) { continue }
      cell.noteDepth(queue.backlog)
      cell.turnEnds(left)
      cell.addHandled(counted - left, worker)
      return cell.yield(worker)
    }
  }

  /// Something that came beside the queue. If it is a message it counts like any other.
  @inlinable @inline(never) static func open(
    _ envelope: Envelope, _ cell: Cell, _ behavior: UnsafeMutablePointer<B>, _ context: Context<B.Message>,
    _ left: inout Int
  ) throws {
    cell.updateIdleSince(left)
    switch cell.open(envelope) {
    case .nothing: return
    case .signal(let signal):
      try behavior.pointee.signal(signal, in: context)
    case .message:
      guard let message = envelope.takeMessage(of: B.Message.self) else { return }
      left -= 1
      if B.isStale(message) { return shed(message, cell) }
      try behavior.pointee.receive(message, in: context)
    }
  }

  /// A message that nobody needs handled.
  @inlinable @inline(never) static func shed(_ message: consuming B.Message, _ cell: Cell) {
    _ = consume message
    cell.shed(B.Message.self)
  }

  /// Everything but messages: start, restart, suspension, stop. True if messages can be handled now; else the cell may
  /// belong to another worker already, or be gone.
  @inlinable @inline(never) static func advanceLifeCycle(
    _ cell: Cell, _ storage: Storage, _ context: Context<B.Message>, _ worker: Worker
  ) -> Bool {
    let queue = MessageQueue<B.Message>(state: cell.mailbox.queue)
    while true {
      if cell.mailbox.control.isPending { cell.handleControl() }
      switch cell.life.phase {
      case .running: return true
      case .starting:
        do {
          try storage.make(for: cell)
          cell.life.isStarted = true
          try storage.behavior.pointee.started(in: context)
          worker.settleDroppedReplies(nil)
          cell.incarnationBegins()
        } catch {
          worker.settleDroppedReplies(error)
          cell.fail(error, handling: nil)
        }
      case .restarting where cell.childrenHaveEnded:
        if cell.life.isStarted {
          storage.behavior.pointee.stopping(in: context)
          worker.settleDroppedReplies(nil)
        }
        storage.endIncarnation(cell)
      case .stopping where cell.childrenHaveEnded:
        if cell.life.isStarted {
          storage.behavior.pointee.stopping(in: context)
          worker.settleDroppedReplies(nil)
        }
        storage.end(cell)
        return false
      case .suspended, .backingOff, .restarting, .stopping, .ended:
        cell.turnEndsEarly()
        switch queue.idle() {
        case .idle: return false
        case .control: cell.handleControl()
        case .notEmpty, .finished: Turn.pause()
        }
      }
    }
  }
}
