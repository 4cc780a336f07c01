/// A timer that an actor has set for itself, whatever the types of its message and its key are. When it fires it posts
/// itself to the actor. It belongs to the incarnation that has set it.
///
/// What is here is compiled once, and not for each type of message and key.
@usableFromInline class ActorTimer: Timer, @unchecked Sendable {
  /// Whether the timer was cancelled, by the actor itself or by the end of the incarnation: nothing of it is delivered
  /// any more, even if it has fired. The actor's worker reads and writes this.
  @exclusivity(unchecked) final var isCancelled = false
  // The reference is valid, since all timers of an actor are cancelled before the actor goes.
  @usableFromInline final unowned(unsafe) let cell: Cell
  /// The hash of the key, by which the actor's table finds the timer.
  @usableFromInline final let hash: Int

  @usableFromInline init(_ cell: Cell, _ hash: Int, deadline: Int64) {
    self.cell = cell
    self.hash = hash
    super.init(deadline: deadline)
  }

  override final func fire() { cell.post(self) }

  override func open(_ cell: Cell) -> Content {
    if isCancelled { return .nothing }
    return cell.existingRareState?.timers?.remove(self) == true ? .message : .nothing
  }
  override var isMessage: Bool { !isCancelled }
  @usableFromInline override final var isActorTimer: Bool { true }
}

/// A timer of an actor, with the message that it sends. It is a class of its own, below `KeyedTimer`, because whoever
/// takes the message does not know the type of the key.
@usableFromInline class MessageTimer<Message: ~Copyable>: ActorTimer, @unchecked Sendable {
  /// The message, until it is taken. A timer that repeats makes it when it is opened.
  @usableFromInline @exclusivity(unchecked) final var message: Message?

  @inlinable init(_ cell: Cell, _ hash: Int, deadline: Int64, _ message: consuming Message?) {
    self.message = message
    super.init(cell, hash, deadline: deadline)
  }
}

extension Cell {
  /// The timers of the actor. Called on the cell's worker. The reference is not counted: the rare state holds
  /// the table, and nothing that is done with the table lets go of it.
  @usableFromInline var timers: Unmanaged<TimerTable> {
    if let timers = withExistingRareState({ $0.timers.map { Unmanaged.passUnretained($0) } }) ?? nil { return timers }
    let rareState = rareState
    if let timers = rareState.timers { return .passUnretained(timers) }
    let timers = TimerTable()
    rareState.timers = timers
    return .passUnretained(timers)
  }

  @usableFromInline func deadline(after delay: Duration) -> Int64 {
    // The deadline is not before now: otherwise a timer with a fixed rate would make up for a time in which it did not
    // exist.
    withScheduler { $0.deadline(after: max(.zero, delay)) }
  }

  @usableFromInline func start(_ timer: ActorTimer, replacing before: ActorTimer?) {
    if let before { cancel(before) }
    withScheduler { $0.add(timer) }
  }

  func cancelTimers() {
    guard let rareState = existingRareState else { return }
    var timers: [ActorTimer] = []
    rareState.timers?.removeAll { timers.append($0) }
    // In a simulation the timers get an order, since the table's own differs from run to run, and what their messages
    // own is destroyed with them.
    if isIntercepted { timers.sort { ($0.deadline, $0.place) < ($1.deadline, $1.place) } }
    for timer in timers { cancel(timer) }
    if let timeout = rareState.receiveTimeout {
      rareState.receiveTimeout = nil
      system.scheduler.cancel(timeout)
    }
  }

  @usableFromInline func cancel(_ timer: ActorTimer) {
    withScheduler { $0.cancel(timer) }
    timer.isCancelled = true
  }
}
