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
  @usableFromInline enum Body {
    case sync((Cell, Worker) -> Void)
    case async(@Sendable (Cell, isolated AsyncLoop) async -> Void)
  }
  final class NameBox {
    let name: String
    init(_ name: String) { self.name = name }
  }

  @usableFromInline let queue: UnsafeMutablePointer<QueueState>
  /// The behavior, then its factory; how they are laid out is `Drain`'s.
  @usableFromInline let storage: UnsafeMutableRawPointer
  @usableFromInline let body: Body
  // Not counted: two workers that spawn would pass the count's cache line to and fro. Every chain of owners ends in a cell at
  // the top, which holds the system for all below.
  @usableFromInline unowned(unsafe) let system: SystemCore
  private let systemHold: SystemCore?
  /// The table of the parent's children, in which this cell stands while it lives.
  let siblings: ChildTable
  let id: UInt64
  private let nameBox: NameBox?
  /// Bounded mailboxes: those who wait for room.
  @usableFromInline let waiters: SendWaiters?

  @usableFromInline let control = ControlWord()
  let lock = FutexLock()
  @usableFromInline @exclusivity(unchecked) var phase = Phase.new
  @usableFromInline @exclusivity(unchecked) var isStarted = false
  /// There has been a child, and so there is a table.
  @usableFromInline @exclusivity(unchecked) var hasChildren = false
  @exclusivity(unchecked) var stopBits: UInt32 = 0
  @exclusivity(unchecked) var failure: FailureBox?
  // Under `lock`.
  @exclusivity(unchecked) var children: ChildTable?
  @exclusivity(unchecked) var end: End?
  @exclusivity(unchecked) var terminationWaiters: TerminationWaiters?
  // Under the lock of `siblings`.
  @exclusivity(unchecked) var nextSibling: Unmanaged<Cell>?
  @exclusivity(unchecked) var previousSibling: Unmanaged<Cell>?
  // Of the table's stack of ended children.
  @exclusivity(unchecked) var nextEnded: Unmanaged<Cell>?

  @usableFromInline init(
    queue: UnsafeMutablePointer<QueueState>, storage: UnsafeMutableRawPointer, isBounded: Bool, body: Body,
    place: Place
  ) {
    self.queue = queue
    self.storage = storage
    self.body = body
    system = place.table.system
    siblings = place.table
    systemHold = place.table.owner == nil ? place.table.system : nil
    id = place.id
    nameBox = place.name.map { NameBox($0) }
    waiters = isBounded ? SendWaiters() : nil
    super.init(isCell: true)
  }

  deinit {
    UnsafeMutableRawPointer(queue).deallocate()
  }

  @usableFromInline override var cell: Cell { self }
  @usableFromInline var isAsync: Bool {
    if case .async = body { true } else { false }
  }
  var name: String? { nameBox?.name }

  @inlinable var isBounded: Bool { waiters != nil }

  /// Whoever cleared *idle* calls this, once.
  @usableFromInline func schedule() {
    let isDone = Worker.withCurrent { worker in
      guard worker.schedulerID == system.schedulerID else { return false }
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

  /// From the cell's own handler, which looks at the lane when it returns: nobody has to be woken.
  @usableFromInline func stopSelf() { control.post(ControlWord.stop) }

  /// Takes what the control lane holds. The bit in the tail goes first, so that what is posted after the look sets it again.
  func takeControl() -> UInt32 {
    if queue.pointee.tail.load(ordering: .relaxed) & TailWord.control != 0 {
      _ = queue.pointee.tail.bitwiseAnd(~TailWord.control, ordering: .acquiringAndReleasing)
    }
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
}

/// How an actor ended; a failure is described apart, since most have none.
@usableFromInline enum End {
  case failed(FailureBox)
  case stopped, parentStopped, systemStopped, nameTaken

  var reason: Termination.Reason {
    switch self {
    case .failed(let box): .failed(box.failure)
    case .stopped: .stopped
    case .parentStopped: .parentStopped
    case .systemStopped: .systemStopped
    case .nameTaken: .nameTaken
    }
  }
}

@usableFromInline final class FailureBox: Sendable {
  let failure: ActorFailure
  init(_ failure: ActorFailure) { self.failure = failure }
}
