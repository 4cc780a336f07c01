public import Synchronization

/// An actor as the scheduler sees it: the receiving end of a channel, with what is needed to run a behavior on what comes out.
///
/// It is untyped. Its queue, its behavior and the behavior's factory lie in one piece of raw memory, and every typed step is
/// in `Drain`, a function that was specialised for the behavior where the actor was spawned. The cell holds itself from spawn
/// until it has ended; addresses keep only the memory.
///
/// Sendable because what is not atomic or under `lock` belongs to the one worker that runs the cell, and passes from one
/// to the next by the queue's *idle* and *push* steps or by a run queue.
@usableFromInline package final class Cell: Recipient, @unchecked Sendable {
  /// `restarting`: the incarnation is on its way out. `waiting`: for the time of the next.
  @usableFromInline enum Phase: UInt8 { case new, running, suspended, restarting, waiting, stopping, ended }
  @usableFromInline enum Body {
    case sync((Cell, Worker) -> Void)
    case async(@Sendable (Cell, isolated AsyncLoop) async -> Void)
    case interleaved(@Sendable (Cell, isolated HandlerLane) -> Void)
  }
  // Small ones first: they fill the gap behind those of the superclass.
  /// There is a factory.
  let isRestartable: Bool
  /// It does not run on the pool: `settings` say where.
  private let isAside: Bool
  let isBounded: Bool
  /// The mailbox is one of the second kind, and the queue stays empty.
  @usableFromInline let hasStore: Bool
  /// The mailbox is not the plain unbounded one.
  @usableFromInline let isSpecial: Bool
  /// It ends when the last handle has gone: see `Handle`.
  @usableFromInline let isCounted: Bool
  @usableFromInline let queue: UnsafeMutablePointer<QueueState>
  /// The behavior, then its factory; how they are laid out is `Drain`'s.
  @usableFromInline let storage: UnsafeMutableRawPointer
  @usableFromInline let body: Body
  // What follows fills a gap.
  /// Somebody hears of its life: an observer, or the test kit. A look at the system would count a reference to it.
  @usableFromInline let isObserved: Bool
  /// In a system of the test kit.
  @usableFromInline let isIntercepted: Bool
  let isTimed: Bool
  /// See `QueueShape`.
  let shape: UInt32
  // Not counted, not even when it is copied: two workers that spawn would pass the count's cache line to and fro. Every chain of owners
  // ends in a cell at the top, which holds the system for all below.
  private let unmanagedSystem: Unmanaged<SystemCore>
  /// The table of the parent's children, in which this cell stands while it lives.
  let siblings: ChildTable
  let id: UInt64
  /// The bits of the type.
  let messageType: UnsafeRawPointer

  let parcels = ParcelState()
  let handler = HandlerState()
  // Small ones together: there is no gap between them.
  @usableFromInline let control = ControlWord()
  let lock = FutexLock()
  @usableFromInline @exclusivity(unchecked) var phase = Phase.new
  @usableFromInline @exclusivity(unchecked) var isStarted = false
  /// Something beside the queue waits for its turn.
  @usableFromInline @exclusivity(unchecked) var hasParcels = false
  /// The end of a turn has to be noted: there is a table of children, or a receive timeout.
  @usableFromInline @exclusivity(unchecked) var notesTurns = false
  @exclusivity(unchecked) var tracksIdleness = false
  /// Asked to be suspended: also before it has started, and after a restart.
  @exclusivity(unchecked) var isHeld = false
  /// Handles what is queued, and then ends.
  @usableFromInline @exclusivity(unchecked) var isDraining = false
  /// The depth has been reported, and has not gone down since.
  @exclusivity(unchecked) var isHighWater = false
  @exclusivity(unchecked) var incarnation: UInt32 = 1
  @exclusivity(unchecked) var stopBits: UInt32 = 0
  /// Messages whose handler returned. Written by the cell's worker; anyone may read.
  @usableFromInline let handled = Atomic<Int>(0)
  @exclusivity(unchecked) var existingAnnex: Annex?
  /// Nil: the defaults.
  let settings: CellSettings?
  // Under `lock`.
  @exclusivity(unchecked) var children: ChildTable?
  @exclusivity(unchecked) var fate = Fate.living
  // Under the lock of `siblings`.
  @exclusivity(unchecked) var nextSibling: Unmanaged<Cell>?
  @exclusivity(unchecked) var previousSibling: Unmanaged<Cell>?
  // Of the table's stack of ended children.
  @exclusivity(unchecked) var nextEnded: Unmanaged<Cell>?

  @usableFromInline init(
    queue: UnsafeMutablePointer<QueueState>, storage: UnsafeMutableRawPointer, options: SpawnOptions,
    isRestartable: Bool, body: Body, place: Place, messageType: UnsafeRawPointer, shape: QueueShape
  ) {
    self.queue = queue
    self.storage = storage
    self.body = body
    unmanagedSystem = place.table.unmanagedSystem
    siblings = place.table
    id = place.id
    isBounded = options.capacity != 0
    let side = options.box == nil ? nil : options.dispatcher.enter(place)
    isAside = side != nil
    settings = .unlessDefault(options, place.name, side)
    isCounted = options.box != nil && options.lifetime == .whileReferenced
    self.shape = shape.bits
    isObserved = place.table.isObserved
    isIntercepted = place.table.isIntercepted
    isTimed = place.table.isTimed
    self.isRestartable = isRestartable
    let hasStore = options.box != nil && options.mailbox.store != nil
    self.hasStore = hasStore
    isSpecial = isBounded || hasStore || place.isIntercepted
    self.messageType = messageType
    super.init(.cell)
    if place.table.owner == nil { _ = unmanagedSystem.retain() }
  }

  deinit {
    UnsafeMutableRawPointer(queue).deallocate()
    if siblings.owner == nil { unmanagedSystem.release() }
  }

  @usableFromInline var system: SystemCore { unmanagedSystem.takeUnretainedValue() }
  /// Of the scheduler's clock.
  var latestNow: Int64 { withScheduler { $0.latestNow } }
  /// 20 ns, so for what has a deadline, and not for each message.
  var preciseNow: Int64 { withScheduler { $0.preciseNow } }
  /// Counts no references, unlike the way by `system`.
  @inline(__always) func withScheduler<R>(_ body: (any Scheduler) -> R) -> R {
    unmanagedSystem._withUnsafeGuaranteedRef { body($0.scheduler) }
  }
  @usableFromInline override var cell: Cell { self }
  @usableFromInline var isAsync: Bool {
    if case .async = body { true } else { false }
  }
  var name: String? { settings?.name }
  /// Where it runs; nil: on the pool.
  var side: SideScheduler? { isAside ? settings?.side : nil }

  /// Those who wait for room in a bounded mailbox.
  var waiters: SendWaiters? { settings?.waiters }

  /// Whoever cleared *idle* calls this, once.
  @usableFromInline func schedule() {
    if let side { return side.schedule(Runnable(self)) }
    let isDone = Worker.withCurrent { worker in
      guard worker.schedulerID == system.schedulerID else { return false }
      worker.push(Runnable(self))
      return true
    }
    if isDone != true { system.scheduler.schedule(Runnable(self)) }
  }

  /// Sends something down the control lane and wakes the cell if it idles. It takes the place of `other`, if that still waits.
  func post(_ bit: UInt32, replacing other: UInt32 = 0) {
    control.post(bit, replacing: other)
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
    if bit & ControlWord.cancels != 0 && isAsync { handler.cancel() }
  }

  /// Takes what the control lane holds. The bit in the tail goes first, so that what is posted after the look sets it again.
  func takeControl() -> UInt32 {
    if queue.pointee.tail.load(ordering: .relaxed) & TailWord.control != 0 {
      _ = queue.pointee.tail.bitwiseAnd(~TailWord.control, ordering: .acquiringAndReleasing)
    }
    return control.take()
  }

  // MARK: Names

  /// `system/parent/child`; an actor without a name has `$` and a number.
  @usableFromInline package var path: String {
    siblings.path + "/" + (name ?? "$\(id)")
  }
}

/// Where a new actor belongs.
@usableFromInline package struct Place {
  let table: ChildTable
  let name: String?
  let id: UInt64
  /// In a system of the test kit.
  @usableFromInline var isIntercepted: Bool { table.isIntercepted }
}
