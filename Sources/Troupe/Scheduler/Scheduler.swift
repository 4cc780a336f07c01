internal import CTroupeShims
public import Synchronization

// This folder holds the pool of workers that runs actors, and the protocol that all schedulers conform to.

/// Something that can run: a cell with something to do, a job of a task, or an executor that has a job. It is one word,
/// the bits of a pointer with the kind in the three lowest bits, so that queues of runnables need no locks.
@usableFromInline package struct Runnable: Equatable {
  let bits: UInt

  /// A cell that has something to do. The cell is not retained, which would cost a fifth of a short message: its
  /// parent's table holds it until it has ended, and it ends only in a turn.
  init(_ cell: Cell) { bits = UInt(bitPattern: Unmanaged.passUnretained(cell).toOpaque()) }
  /// A job of a task that prefers the system's executor.
  init(_ job: UnownedJob) { bits = unsafeBitCast(job, to: UInt.self) | 1 }
  init(bits: UInt) { self.bits = bits }

  /// An executor that has jobs. It is retained once for being here, and whoever runs it takes that over.
  init(_ loop: Unmanaged<LoopExecutor>) { bits = UInt(bitPattern: loop.toOpaque()) | 2 }

  /// A job that gave up its turn, and that runs on no `LoopExecutor`.
  init(yielded job: UnownedJob) { bits = unsafeBitCast(job, to: UInt.self) | 3 }
  /// An executor that keeps a job which gave up its turn (`LoopState.turn`). It is not retained: the job's task keeps
  /// it.
  init(yieldedLoop loop: Unmanaged<LoopExecutor>) { bits = UInt(bitPattern: loop.toOpaque()) | 4 }

  var isCell: Bool { bits & 7 == 0 }

  /// A runnable that is no cell, with its kind.
  enum Task {
    case job(UnownedJob)
    case loop(Unmanaged<LoopExecutor>)
    case yieldedJob(UnownedJob)
    case yieldedLoop(Unmanaged<LoopExecutor>)
  }
  /// What this runnable is. It must not be a cell.
  var task: Task {
    switch bits & 7 {
    case 1: .job(unsafeBitCast(bits & ~7, to: UnownedJob.self))
    case 2: .loop(Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: bits & ~7).unsafelyUnwrapped))
    case 3: .yieldedJob(unsafeBitCast(bits & ~7, to: UnownedJob.self))
    default: .yieldedLoop(Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: bits & ~7).unsafelyUnwrapped))
    }
  }
  /// The cell that this runnable is. It must be a cell.
  var cell: Unmanaged<Cell> {
    Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: bits).unsafelyUnwrapped)
  }
}

/// Decides when and where runnables run, and what time it is. The actor runtime asks no other clock and no other source
/// of chance.
@usableFromInline package protocol Scheduler: AnyObject, Sendable {
  /// Has a runnable run, once. Any thread may call this, and it never waits until another thread gets a processor.
  func schedule(_ runnable: Runnable)
  /// Has a cell or an executor run again, after everything that waits now. The worker that runs it calls this at the
  /// end of a turn that left something to do.
  func yield(_ runnable: Runnable, on worker: Worker)
  /// A random number. Supervision uses it for the jitter of a backoff.
  func nextRandom() -> UInt64
  /// The exact time in nanoseconds, by this scheduler's clock.
  var preciseNow: Int64 { get }
  /// A time that is cheaper to read and may be some milliseconds behind. It is for what has no deadline.
  var coarseNow: Int64 { get }
  /// A time that is as cheap to read as `coarseNow`, and never behind the exact one: it is a tick of the coarse clock
  /// later. An ask whose deadline is far away is counted from this.
  var latestNow: Int64 { get }
  /// The deadline that lies `delay` after the exact time, so that nothing comes early. A deadline that is too far away
  /// for the clock never comes.
  func deadline(after delay: Duration) -> Int64
  /// Has `timer.fire` called at the timer's deadline or a little later, unless the timer is cancelled before.
  func add(_ timer: Timer)
  /// Cancels a timer. When this returns, the timer has fired or never will; it waits for a timer that is firing now.
  func cancel(_ timer: Timer)
  /// Called once when a system has stopped and no actor lives in it any more: ends the parked loops, and the threads
  /// that have nothing to do.
  func stop()
  /// The executor of the system that uses this scheduler. The executor sets this when it is made, and the system keeps
  /// both.
  var executor: WorkerExecutor! { get set }
  /// The task executor that the tasks of asynchronous handlers prefer: what they await that is not isolated runs there.
  /// If it is nil that runs on the global pool of the language, which spares a lock at each return from an asynchronous
  /// call. A simulated scheduler has one, so that nothing leaves the simulation.
  var loopPreference: (any TaskExecutor)? { get }
  /// Whether actors run here whatever dispatcher they ask for, as in a simulation.
  var runsEverything: Bool { get }
}

extension Scheduler {
  /// A random number from 0 up to 1, without 1 itself.
  package func randomUnit() -> Double { Double(nextRandom() >> 11) * 0x1p-53 }
  var loopPreference: (any TaskExecutor)? { nil }
  var runsEverything: Bool { false }
}

/// Runs runnables, one at a time, on whatever thread currently is this worker. What it keeps is touched by that thread
/// alone, unless a property says otherwise.
///
/// Its variables are exempt from exclusivity checks, each of which would be a call. That is safe because one thread at
/// a time runs a worker, and no reference to a variable leaves it.
@usableFromInline package class Worker {
  /// The identity of the scheduler that this worker belongs to. To compare it counts no references.
  final let schedulerID: ObjectIdentifier
  // This is not counted, because the scheduler holds its workers and outlives whatever they run.
  unowned(unsafe) let scheduler: any Scheduler
  /// The replies that the handler in hand has dropped unused. Their asks fail when the handler ends, with its error if
  /// it has thrown one.
  @exclusivity(unchecked) private final var droppedReplies: [DroppedReply] = []
  @usableFromInline @exclusivity(unchecked) final var hasDroppedReplies = false
  @usableFromInline final let loops = AsyncLoops()
  /// Whether what runs now is code of an actor, and not of a task that merely runs on this worker.
  @exclusivity(unchecked) private(set) final var isRunningCell = false
  /// Whether what runs now was begun by `onTop`.
  @exclusivity(unchecked) private(set) final var isOnTop = false
  /// The figures of this worker. Its thread writes them, and any thread may read them.
  @usableFromInline final let counts = WorkerCounts()

  /// Memory that whatever runs on this worker may take and give back without a lock.
  @exclusivity(unchecked) final var spareBlocks = SpareBlocks()

  /// By how many messages the turns of this worker are shorter than a full turn. It is 0 except in a simulation, whose
  /// turns are short so that actors interleave more often.
  @usableFromInline @exclusivity(unchecked) final var turnReduction = 0

  /// The number of ticks that this worker has seen. The tick raises it from its own thread. A turn compares it with the
  /// number at its beginning, and so knows that it has lasted long without asking a clock at each message.
  @usableFromInline final let ticks = Atomic<UInt32>(0)
  /// Whether handlers may block the thread of this worker, as those of `Dispatcher.blocking` may.
  final let mayBlock: Bool

  init(_ scheduler: any Scheduler, mayBlock: Bool = false) {
    self.scheduler = scheduler
    self.mayBlock = mayBlock
    schedulerID = ObjectIdentifier(scheduler)
    LoopExecutor.installsYieldHooks
  }

  /// The scheduler of the system that this worker belongs to. For a worker beside the pool that is the pool.
  final var system: any Scheduler { (scheduler as? DispatcherScheduler)?.base ?? scheduler }

  /// Calls `body` with the worker that the calling thread is, and returns nil if it is none. The worker need not be
  /// retained, because the thread is inside one of the worker's own functions.
  @inline(__always)
  static func withCurrent<R>(_ body: (Worker) -> R) -> R? {
    troupe_current_worker().map { Unmanaged<Worker>.fromOpaque($0)._withUnsafeGuaranteedRef(body) }
  }

  @usableFromInline static var current: Worker? {
    troupe_current_worker().map { Unmanaged<Worker>.fromOpaque($0).takeUnretainedValue() }
  }

  /// Makes this the current worker of the calling thread while `body` runs.
  final func asCurrent(_ body: () -> Void) {
    let before = troupe_current_worker()
    let mayBlockBefore = troupe_may_block()
    troupe_set_current_worker(Unmanaged.passUnretained(self).toOpaque())
    troupe_set_may_block(mayBlock)
    body()
    troupe_set_may_block(mayBlockBefore)
    troupe_set_current_worker(before)
  }

  // MARK: What the workers of the pool do in another way

  /// Has a task that gives up its turn go on after something else has had one. Called on this worker's own thread.
  func runAfterCurrent(_ runnable: Runnable) { scheduler.schedule(runnable) }

  /// Takes a runnable that was woken on this worker's own thread.
  func push(_ runnable: Runnable) { scheduler.schedule(runnable) }

  /// Returns a cell of an ended actor with memory of this size, if this worker keeps one (`CellCache`). The caller
  /// takes over the one count that the cell has.
  func takeCell(_ sizeClass: Int) -> Unmanaged<Cell>? { nil }
  /// Keeps the cell of an ended actor for `takeCell`, and takes over the one count that it has.
  func keepCell(_ cell: Unmanaged<Cell>) { cell.release() }
  /// Notes that a cell with `bytes` of memory was freed on this worker's own thread.
  func freedMemory(_ bytes: Int) {}

  /// Returns the next asynchronous cell to a loop, which goes on with it without leaving its task. If it returns nil
  /// the loop parks.
  func nextAsync() -> Unmanaged<Cell>? { nil }

  // MARK: Running

  /// Runs a runnable on this worker's own thread: one turn of a cell, or the jobs of a task that are ready.
  final func execute(_ runnable: Runnable) {
    if !runnable.isCell { return runJob(runnable) }
    isRunningCell = true
    runnable.cell._withUnsafeGuaranteedRef { cell in
      switch cell.withKind({ $0.body }) {
      case .sync(let run): run(cell, self)
      case .async: loops.run(runnable.cell, on: self)
      case .interleaved:
        fatalError(
          "Troupe: a worker ran the cell of an interleaving actor, which only the actor's own executor may run. "
            + "This is a bug in Troupe.")
      }
    }
    isRunningCell = false
    if hasDroppedReplies { settleDroppedReplies(nil) }
  }

  private final func runJob(_ runnable: Runnable) {
    switch runnable.task {
    case .job(let job): job.runSynchronously(on: scheduler.executor.asUnownedTaskExecutor())
    case .loop(let loop):
      // A handler that was suspended goes on, or a task of `ActorSystem.task`.
      loop.takeRetainedValue().run(on: self)
    case .yieldedJob, .yieldedLoop: resume(runnable)
    }
    if hasDroppedReplies { settleDroppedReplies(nil) }
  }

  /// Has a task that gave up its turn go on at once, on this worker's own thread.
  final func resume(_ runnable: Runnable) { loops.resuming(on: self) { Self.release(runnable) } }

  /// Makes a task that gave up its turn runnable. It goes to the worker that the calling thread is, or else to the
  /// scheduler.
  static func release(_ runnable: Runnable) {
    switch runnable.task {
    case .yieldedJob(let job): TaskYield.goOn(job, of: nil)
    case .yieldedLoop(let loop): loop._withUnsafeGuaranteedRef { $0.turnEnds() }
    case .job, .loop:
      fatalError("Troupe: a task that had not given up its turn was put in line for one. This is a bug in Troupe.")
    }
  }

  /// Runs `body` on top of an asynchronous loop, which is further down on the stack and has no cell in hand. What tells
  /// the thread's current loop is put aside meanwhile.
  final func onTop(_ body: () -> Void) {
    let before = isRunningCell
    let loop = troupe_current_loop()
    troupe_set_current_loop(nil)
    isRunningCell = false
    isOnTop = true
    body()
    isOnTop = false
    isRunningCell = before
    troupe_set_current_loop(loop)
  }

  /// Runs jobs of an executor, which are those of an actor if `handlers` is true, and else those of a task.
  final func running(handlers: Bool, _ body: () -> Void) {
    let before = isRunningCell
    isRunningCell = handlers
    body()
    isRunningCell = before
    if hasDroppedReplies { settleDroppedReplies(nil) }
  }

  /// Keeps a reply that was dropped unused, until the handler in hand ends.
  final func drop(_ reply: DroppedReply) {
    droppedReplies.append(reply)
    hasDroppedReplies = true
  }

  /// Called when the handler in hand has ended: the asks whose replies it dropped fail with its error, or as dropped if
  /// there is none.
  @usableFromInline final func settleDroppedReplies(_ error: (any Error)?) {
    guard hasDroppedReplies else { return }
    hasDroppedReplies = false
    let dropped = droppedReplies
    droppedReplies = []
    for reply in dropped { reply.fail(error) }
  }
}
