public import Synchronization

extension Cell {
  /// Enters the new cell below its parent and makes it runnable.
  @usableFromInline func start() -> EndReason? {
    if isTimed { measureTime() }
    if endsUnreferenced { notesTurns = true }
    if let refusal = withSiblings({ $0.insert(self) }) { return refusal }
    if isObserved { system.tell(.spawned(ActorID(self))) }
    schedule()
    return nil
  }

  /// A load and a store each, since there is one writer.
  @inlinable func addHandled(_ count: Int, _ worker: Worker) {
    worker.counts.addHandled(count)
    handled.store(handled.load(ordering: .relaxed) &+ count, ordering: .relaxed)
  }

  /// A message that will be counted as handled at the end of the turn has failed.
  @usableFromInline func addFailed(_ worker: Worker) {
    worker.counts.addFailed()
    addHandled(-1, worker)
    meter?.failed.wrappingAdd(1, ordering: .relaxed)
  }

  /// On its worker: it will be counted as handled at the end of the turn, and was not.
  @usableFromInline func shed<Message: ~Copyable>(_ type: Message.Type) {
    Worker.withCurrent { addHandled(-1, $0) }
    deadLetter(.abandoned, type)
  }

  @usableFromInline func yield(_ worker: Worker) {
    if let dispatcher { dispatcher.yield(self, on: worker) } else { system.scheduler.yield(self, on: worker) }
  }

  /// Says whether a message is ready in the queue, and handles what the control lane holds. On the cell's worker.
  @inlinable @inline(__always) func lookAtLanes<Message: ~Copyable>(_ queue: MessageQueue<Message>) -> Bool {
    // The queue comes first: whoever sent the message that is ready may have posted something before that, and then
    // it is seen.
    let isReady = queue.isReady
    if control.isPending { handleControl() }
    return isReady
  }

  /// Takes the message that is ready, and hands its room on if senders wait for room.
  @inlinable @inline(__always) func takeReady<Message: ~Copyable>(_ queue: MessageQueue<Message>) -> Message {
    let message = queue.takeReady()
    if queue.consumer.pointee.roomWanted { handOutRoom(queue) }
    return message
  }

  @usableFromInline func handOutRoom<Message: ~Copyable>(_ queue: MessageQueue<Message>) {
    queue.consumer.pointee.roomWanted = false
    waiters?.grant(queue)
  }

  /// Tells those who asked when a turn begins and ends.
  @inlinable func turnBegins() { if notesTurns { noteTurnBegins() } }
  @inlinable func turnEnds(_ left: Int) {
    if notesTurns {
      noteHandled(left)
      noteRest()
    }
  }
  /// The last message before now has just been handled. `left` are those that the turn may still handle.
  @inlinable func noteMessages(_ left: Int) { if notesTurns { noteHandled(left) } }
  /// About to idle without being ready for messages.
  @inlinable func turnEndsEarly() { if notesTurns { noteRest() } }

  @usableFromInline func noteTurnBegins() {
    withChildren { $0.turnBegins() }
    if isTimed { timeTurnBegins() }
    if tracksIdleness { rareState.notedLeft = Turn.messages }
  }
  @usableFromInline func noteRest() {
    withChildren { $0.turnEnds() }
    if isTimed { timeTurnEnds() }
    if isUnreferenced { post(ControlWord.unreferenced) }
  }
  @usableFromInline func noteHandled(_ left: Int) {
    guard tracksIdleness, left != rareState.notedLeft else { return }
    rareState.notedLeft = left
    rareState.idleSince = preciseNow
  }

  /// At the end of a turn that left messages behind: on the cell's worker.
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
