public import Synchronization

/// How a cell begins, and what the loops that call handlers (`Drain` and its like) note of each turn.
extension Cell {
  /// Enters the new cell in its parent's table and makes it runnable. Returns why not, if it is refused. Called by
  /// whoever spawns; after it has returned nil the cell belongs to its worker.
  @usableFromInline func start() -> EndState? {
    if isTimed { measureTime() }
    if endsUnreferenced { notesTurns = true }
    if let refusal = withSiblings({ $0.insert(self) }) { return refusal }
    if isObserved { system.tell(.spawned(ActorID(self))) }
    schedule()
    return nil
  }

  /// Counts messages as handled, for the worker and for the actor. Called on the cell's worker at the end of a turn.
  /// Each count takes a load and a store, because nobody else writes it.
  @inlinable func addHandled(_ count: Int, _ worker: Worker) {
    worker.counts.addHandled(count)
    handled.store(handled.load(ordering: .relaxed) &+ count, ordering: .relaxed)
  }

  /// Counts a message as failed. It will also be counted as handled at the end of the turn, so that is taken back here.
  @usableFromInline func addFailed(_ worker: Worker) {
    worker.counts.addFailed()
    addHandled(-1, worker)
    meter?.failed.wrappingAdd(1, ordering: .relaxed)
  }

  /// Makes a dead letter of a message that nobody needs handled any more (`Behavior.isStale`). It will also be counted
  /// as handled at the end of the turn, so that is taken back here. Called on the cell's worker.
  @usableFromInline func shed<Message: ~Copyable>(_ type: Message.Type) {
    Worker.withCurrent { addHandled(-1, $0) }
    deadLetter(.abandoned, type)
  }

  /// Has this cell run again after the others that wait. Called on its worker at the end of a turn that left something
  /// to do; after it the cell may be another worker's.
  @usableFromInline func yield(_ worker: Worker) {
    let runnable = Runnable(self)
    if let dispatcher { dispatcher.yield(runnable, on: worker) } else { system.scheduler.yield(runnable, on: worker) }
  }

  /// Says whether a message is ready in the queue, and handles what the control lane holds. On the cell's worker.
  @inlinable @inline(__always) func lookAtLanes<Message: ~Copyable>(_ queue: MessageQueue<Message>) -> Bool {
    // The queue comes first: whoever sent the message that is ready may have posted something before that, and then
    // it is seen.
    let isReady = queue.isReady
    if mailbox.control.isPending { handleControl() }
    return isReady
  }

  /// Takes the message that is ready, and hands its room on if senders wait for room.
  @inlinable @inline(__always) func takeReady<Message: ~Copyable>(_ queue: MessageQueue<Message>) -> Message {
    let message = queue.takeReady()
    if queue.consumer.pointee.roomWanted { handOutRoom(queue) }
    return message
  }

  /// Gives the room in a bounded mailbox to those who wait for it. Called on the cell's worker, when a take has found
  /// that somebody waits.
  @usableFromInline func handOutRoom<Message: ~Copyable>(_ queue: MessageQueue<Message>) {
    queue.consumer.pointee.roomWanted = false
    waiters?.grant(queue)
  }

  // MARK: For actors that have children or a receive timeout, that end unreferenced, or whose time is measured

  /// Called when a turn begins. For most cells this costs a look at one flag.
  @inlinable func turnBegins() { if notesTurns { noteTurnBegins() } }
  /// Called when a turn ends, or when the cell is about to idle. The turn may handle `left` more messages.
  @inlinable func turnEnds(_ left: Int) {
    if notesTurns {
      noteIdleSince(left)
      endTurn()
    }
  }
  /// Called after messages and before something else of this turn, such as a timer: notes the time at which the last
  /// message was handled. The turn may handle `left` more messages, which tells whether there was one at all.
  @inlinable func updateIdleSince(_ left: Int) { if notesTurns { noteIdleSince(left) } }
  /// Called when the cell is about to idle in a phase in which it handles no messages.
  @inlinable func turnEndsEarly() { if notesTurns { endTurn() } }

  /// Tells the table of children that its owner runs, and the meter that time is measured.
  @usableFromInline func noteTurnBegins() {
    withChildren { $0.turnBegins() }
    if isTimed { timeTurnBegins() }
    if tracksIdleness { rareState.notedLeft = Turn.messageLimit }
  }
  /// Has the table of children take out those that have ended, and looks whether a counted actor still has a handle.
  @usableFromInline func endTurn() {
    withChildren { $0.turnEnds() }
    if isTimed { timeTurnEnds() }
    if isUnreferenced { post(ControlWord.unreferenced) }
  }
  /// Notes since when the actor has had no message, if it has a receive timeout and has handled a message since the
  /// last note. This reads the exact clock.
  @usableFromInline func noteIdleSince(_ left: Int) {
    guard tracksIdleness, left != rareState.notedLeft else { return }
    rareState.notedLeft = left
    rareState.idleSince = preciseNow
  }

  /// Reports a mailbox that has become very long, once until it has shrunk to half of the limit. Called on the cell's
  /// worker at the end of a turn that left messages behind, so a short queue never costs this look.
  @usableFromInline func noteDepth(_ depth: UInt) {
    let limit = UInt(system.options.highWater)
    guard limit > 0, !isBounded else { return }
    if depth >= limit {
      if isHighWater { return }
      isHighWater = true
      system.report(.highWater(ActorID(self), depth: Int(depth)))
    } else if depth < limit / 2 {
      isHighWater = false
    }
  }
}
