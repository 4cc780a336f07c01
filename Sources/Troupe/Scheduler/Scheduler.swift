internal import CTroupeShims
public import Synchronization

/// What may run: a cell with something to do, a job of a task, or a loop that has one. One word, so that
/// queues of it need no locks.
@usableFromInline package struct Runnable: Equatable {
  let bits: UInt

  /// The cell is not retained: a cell that runs or waits to run keeps itself alive until it has ended.
  init(_ cell: Cell) { bits = UInt(bitPattern: Unmanaged.passUnretained(cell).toOpaque()) }
  init(_ job: UnownedJob) { bits = unsafeBitCast(job, to: UInt.self) | 1 }
  init(bits: UInt) { self.bits = bits }

  init(_ loop: Unmanaged<LoopExecutor>) { bits = UInt(bitPattern: loop.toOpaque()) | 2 }

  /// A job that gave up its turn, of no loop.
  init(yielded job: UnownedJob) { bits = unsafeBitCast(job, to: UInt.self) | 3 }
  /// A loop that keeps a job which gave up its turn.
  init(yieldedLoop loop: Unmanaged<LoopExecutor>) { bits = UInt(bitPattern: loop.toOpaque()) | 4 }

  var isCell: Bool { bits & 7 == 0 }

  enum Task {
    case job(UnownedJob)
    case loop(Unmanaged<LoopExecutor>)
    case yieldedJob(UnownedJob)
    case yieldedLoop(Unmanaged<LoopExecutor>)
  }
  /// Only for one that is no cell.
  var task: Task {
    switch bits & 7 {
    case 1: .job(unsafeBitCast(bits & ~7, to: UnownedJob.self))
    case 2: .loop(Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: bits & ~7).unsafelyUnwrapped))
    case 3: .yieldedJob(unsafeBitCast(bits & ~7, to: UnownedJob.self))
    default: .yieldedLoop(Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: bits & ~7).unsafelyUnwrapped))
    }
  }
  /// Only for one that is no job.
  var cell: Unmanaged<Cell> {
    Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: bits).unsafelyUnwrapped)
  }
}

/// Decides when and where what is runnable runs, and what time it is. The runtime asks no other clock.
@usableFromInline package protocol Scheduler: AnyObject, Sendable {
  /// Makes something run, once. From any thread; never waits for another thread to be scheduled.
  func schedule(_ runnable: Runnable)
  /// Makes the cell run again after everything that waits now.
  func yield(_ cell: Cell, on worker: Worker)
  /// Where the runtime's chance comes from: jitter.
  func nextRandom() -> UInt64
  /// Nanoseconds of this scheduler's clock.
  var preciseNow: Int64 { get }
  /// The same, cheaper to read, and some milliseconds old: for what has no deadline.
  var coarseNow: Int64 { get }
  /// As cheap, and not before the time that it is: a tick later than `coarseNow`.
  var latestNow: Int64 { get }
  /// When so much time has passed from now, not by the old clock, so that nothing is early. What is too far
  /// away is never.
  func deadline(after delay: Duration) -> Int64
  /// Calls `timer.fire` at its deadline or a little later, unless it is cancelled first.
  func add(_ timer: Timer)
  /// After it returns the timer has fired or never will.
  func cancel(_ timer: Timer)
  /// Threads or turns end after what is running; what is queued stays.
  func stop()
  /// Set by the system that uses this scheduler, and lives for as long.
  var executor: WorkerExecutor! { get set }
  /// Where an asynchronous handler goes on after it was suspended, before it comes back to its loop. Nil: on
  /// the global pool, which spares a lock at each return from a call.
  var loopPreference: (any TaskExecutor)? { get }
  /// Whatever dispatcher an actor asks for, it runs here.
  var runsEverything: Bool { get }
}

extension Scheduler {
  /// From 0 up to 1.
  func randomUnit() -> Double { Double(nextRandom() >> 11) * 0x1p-53 }
  var loopPreference: (any TaskExecutor)? { nil }
  var runsEverything: Bool { false }
}

/// One at a time, this runs cells. What it keeps is touched by its own thread alone.
///
/// Its variables are exempt from exclusivity checks, each of which is a call: one thread at a time runs a
/// worker, and none of them is handed out.
@usableFromInline package class Worker {
  /// Which scheduler this worker belongs to, to compare without counting references.
  final let schedulerID: ObjectIdentifier
  // The scheduler holds its workers and outlives whatever they run.
  unowned(unsafe) let scheduler: any Scheduler
  /// Replies that the handler in hand has dropped: their fate is the handler's.
  @exclusivity(unchecked) private final var droppedReplies: [DroppedReply] = []
  @usableFromInline @exclusivity(unchecked) final var hasDroppedReplies = false
  @usableFromInline final let loops = AsyncLoops()
  /// A cell runs, and no task of its own accord.
  @exclusivity(unchecked) private(set) final var isRunningCell = false
  /// See `onTop`.
  @exclusivity(unchecked) private(set) final var isOnTop = false
  /// Messages handled, of which failed. Written by this thread; anyone may read.
  @usableFromInline final let counts = WorkerCounts()

  /// How many of the messages of a full turn a turn leaves to later ones: none but in a simulation, whose
  /// turns are short.
  @usableFromInline @exclusivity(unchecked) final var withheld = 0

  /// Counts the ticks of the scheduler: how a turn knows that it has lasted long, without asking a clock at
  /// each message.
  @usableFromInline final let ticks = Atomic<UInt32>(0)
  /// Its thread is there for handlers that block.
  final let mayBlock: Bool

  init(_ scheduler: any Scheduler, mayBlock: Bool = false) {
    self.scheduler = scheduler
    self.mayBlock = mayBlock
    schedulerID = ObjectIdentifier(scheduler)
    LoopExecutor.installsYieldHooks
  }

  /// The scheduler of the system that this worker belongs to.
  final var system: any Scheduler { (scheduler as? DispatcherScheduler)?.base ?? scheduler }

  /// Calls `body` with the worker that the calling thread runs as. Not retained: the thread is in the
  /// worker's own loop.
  @inline(__always)
  static func withCurrent<R>(_ body: (Worker) -> R) -> R? {
    troupe_current_worker().map { Unmanaged<Worker>.fromOpaque($0)._withUnsafeGuaranteedRef(body) }
  }

  /// The ticks of the current worker; after an await it may be another one, whose ticks say another number: a
  /// turn is long then.
  @usableFromInline static var currentTicks: UInt32 { withCurrent { $0.ticks.load(ordering: .relaxed) } ?? 0 }
  @usableFromInline static var currentWithheld: Int { withCurrent { $0.withheld } ?? 0 }

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

  /// Runs what waits for a turn after something else has had one.
  func runAfterCurrent(_ runnable: Runnable) { scheduler.schedule(runnable) }

  /// Something became runnable on this worker's own thread.
  func push(_ runnable: Runnable) { scheduler.schedule(runnable) }

  /// A cell whose actor has ended and whose memory is of this size, counted once, if this worker has one. See
  /// `CellCache`.
  func takeCell(_ sizeClass: Int) -> Unmanaged<Cell>? { nil }
  /// Keeps a cell for `takeCell`, and takes over the one count that it has.
  func keepCell(_ cell: Unmanaged<Cell>) { cell.release() }
  /// A cell was freed on this worker's own thread, with so many bytes beside it.
  func freedMemory(_ bytes: Int) {}

  /// The next asynchronous cell, for a loop that goes on with it without leaving its task.
  func nextAsync() -> Unmanaged<Cell>? { nil }

  final func execute(_ runnable: Runnable) {
    if !runnable.isCell { return runJob(runnable) }
    isRunningCell = true
    runnable.cell._withUnsafeGuaranteedRef { cell in
      switch cell.withKind({ $0.body }) {
      case .sync(let run): run(cell, self)
      case .async: loops.run(runnable.cell, on: self)
      case .interleaved: fatalError("Troupe: a cell ran outside of its lane")
      }
    }
    isRunningCell = false
    if hasDroppedReplies { settleDroppedReplies(nil) }
  }

  private final func runJob(_ runnable: Runnable) {
    switch runnable.task {
    case .job(let job): job.runSynchronously(on: scheduler.executor.asUnownedTaskExecutor())
    case .loop(let loop):
      // A handler goes on that was suspended, or a task.
      loop.takeRetainedValue().run(on: self)
    case .yieldedJob, .yieldedLoop: resume(runnable)
    }
    if hasDroppedReplies { settleDroppedReplies(nil) }
  }

  /// Lets a task that gave up its turn go on at once.
  final func resume(_ runnable: Runnable) { loops.resuming(on: self) { Self.release(runnable) } }

  /// Makes a task that gave up its turn runnable.
  static func release(_ runnable: Runnable) {
    switch runnable.task {
    case .yieldedJob(let job): TaskYield.goOn(job, of: nil)
    case .yieldedLoop(let loop): loop._withUnsafeGuaranteedRef { $0.turnEnds() }
    case .job, .loop: fatalError("Troupe: what gave up no turn waits for one")
    }
  }

  /// Runs something while an asynchronous loop is on the stack below, which has no cell in hand.
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

  final func running(handlers: Bool, _ body: () -> Void) {
    let before = isRunningCell
    isRunningCell = handlers
    body()
    isRunningCell = before
    if hasDroppedReplies { settleDroppedReplies(nil) }
  }

  final func drop(_ reply: DroppedReply) {
    droppedReplies.append(reply)
    hasDroppedReplies = true
  }

  /// The handler has ended: what it dropped fails with its error, or with "dropped".
  @usableFromInline final func settleDroppedReplies(_ error: (any Error)?) {
    guard hasDroppedReplies else { return }
    hasDroppedReplies = false
    let dropped = droppedReplies
    droppedReplies = []
    for reply in dropped { reply.fail(error) }
  }
}
