import Synchronization

/// An actor as the scheduler sees it: the receiving end of a channel, with what is needed to run a behavior on what comes out.
///
/// It is untyped. Its queue, its behavior and the behavior's factory lie in one piece of raw memory, and every typed step is
/// in `Drain`, a function that was specialised for the behavior where the actor was spawned. The cell holds itself from spawn
/// until it has ended; addresses keep only the memory.
///
/// Sendable because what is not atomic or under `lock` belongs to the one worker that runs the cell, and passes from one
/// to the next by the queue's *idle* and *push* steps or by a run queue.
@usableFromInline package final class Cell: Recipient, @unchecked Sendable {
  @usableFromInline enum Phase: UInt8 { case new, running, stopping, ended }
  @usableFromInline typealias Run = (Cell, Worker) -> Void
  @usableFromInline typealias DrainAsync = @Sendable (Cell) async -> Void

  @usableFromInline let queue: UnsafeMutablePointer<QueueState>
  /// The behavior, then its factory; how they are laid out is `Drain`'s.
  @usableFromInline let storage: UnsafeMutableRawPointer
  @usableFromInline let run: Run
  @usableFromInline let asyncDrain: DrainAsync?
  @usableFromInline let system: SystemCore
  /// The table of the parent's children, in which this cell stands while it lives.
  let siblings: ChildTable
  let id: UInt64
  let name: String?
  /// Bounded mailboxes: those who wait for room.
  @usableFromInline let waiters: SendWaiters?

  @usableFromInline let control = ControlWord()
  let lock = FutexLock()
  @usableFromInline @exclusivity(unchecked) var phase = Phase.new
  @usableFromInline @exclusivity(unchecked) var isStarted = false
  @exclusivity(unchecked) var stopBits: UInt32 = 0
  @exclusivity(unchecked) var failure: ActorFailure?
  // Under `lock`.
  @exclusivity(unchecked) var children: ChildTable?
  @exclusivity(unchecked) var endReason: Termination.Reason?
  @exclusivity(unchecked) var terminationWaiters: TerminationWaiters?
  // Under the lock of `siblings`.
  @exclusivity(unchecked) unowned(unsafe) var nextSibling: Cell?
  @exclusivity(unchecked) unowned(unsafe) var previousSibling: Cell?

  @usableFromInline init(
    queue: UnsafeMutablePointer<QueueState>, storage: UnsafeMutableRawPointer, isBounded: Bool, run: @escaping Run,
    asyncDrain: DrainAsync?, place: Place
  ) {
    self.queue = queue
    self.storage = storage
    self.run = run
    self.asyncDrain = asyncDrain
    system = place.table.system
    siblings = place.table
    id = place.id
    name = place.name
    waiters = isBounded ? SendWaiters() : nil
    super.init(isCell: true)
  }

  deinit {
    queue.deinitialize(count: 1)
    UnsafeMutableRawPointer(queue).deallocate()
  }

  @usableFromInline override var cell: Cell { self }
  @usableFromInline var isAsync: Bool { asyncDrain != nil }

  func drainAsync(_ cell: Cell) async {
    if let asyncDrain { await asyncDrain(self) }
  }

  @inlinable var isBounded: Bool { waiters != nil }

  /// Whoever cleared *idle* calls this, once.
  @usableFromInline func schedule() {
    let isDone = Worker.withCurrent { worker in
      guard worker.scheduler === system.scheduler else { return false }
      worker.push(Runnable(self))
      return true
    }
    if isDone != true { system.scheduler.schedule(Runnable(self)) }
  }

  /// Sends something down the control lane and wakes the cell if it idles.
  func post(_ bit: UInt32) {
    control.post(bit)
    let tail = queue
    var word = tail.pointee.tail.load(ordering: .acquiring)
    while true {
      // Acquire-release: the bit above is seen by whoever runs next; takes over what *idle* released.
      let (exchanged, seen) = tail.pointee.tail.weakCompareExchange(
        expected: word, desired: (word | TailWord.control) & ~TailWord.idle,
        successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
      if exchanged { break }
      word = seen
    }
    if word & TailWord.idle != 0 { schedule() }
  }

  /// Takes what the control lane holds. The bit in the tail goes first, so that what is posted after the look sets it again.
  func takeControl() -> UInt32 {
    _ = queue.pointee.tail.bitwiseAnd(~TailWord.control, ordering: .acquiringAndReleasing)
    return control.take()
  }

  // MARK: Names

  /// `system/parent/child`; an actor without a name has `$` and a number.
  @usableFromInline var path: String {
    siblings.path + "/" + (name ?? "$\(id)")
  }
}

/// Where a new actor belongs.
@usableFromInline package struct Place {
  let table: ChildTable
  let name: String?
  let id: UInt64
  /// Why it cannot live there.
  @usableFromInline let refusal: Termination.Reason?
}
