internal import CTroupeShims
internal import Synchronization

/// A serial executor on a scheduler's workers: that of an asynchronous loop, or of a task's lane.
///
/// Whoever makes the number of jobs one brings the executor to a worker, which runs jobs until the number is
/// zero again. Nearly always there is one job at a time, and no lock is touched.
///
/// Sendable because `first` belongs to the one that made the number one, then to the worker, and `rest` is
/// under the lock.
@usableFromInline package final class LoopExecutor: SerialExecutor, @unchecked Sendable {
  private let scheduler: any Scheduler
  /// Jobs that run or wait.
  private let jobs = LoopState()
  @exclusivity(unchecked) private var first: UnownedJob?
  private let lock = FutexLock()
  @exclusivity(unchecked) private var rest: [UnownedJob] = []

  // What follows is touched by its own jobs, and by the worker between them.

  /// That runs its job.
  @usableFromInline @exclusivity(unchecked) var worker: Unmanaged<Worker>?
  /// Whose handler runs, or waits.
  @usableFromInline @exclusivity(unchecked) var cell: Unmanaged<Cell>?
  /// The loop's task, if it is that of a loop.
  @exclusivity(unchecked) var loop: Unmanaged<AsyncLoop>?
  /// The cell is in its turn, and its last hook does not run: if the job ends now, a handler waits. False
  /// before the cell is given away. The job may still end after that, where the runtime is asked whether the
  /// task is in the right place: with a preference, in a simulation, it takes it there anew.
  @usableFromInline @exclusivity(unchecked) var isHandling = false
  /// The cell's `HandlerState` names the loop.
  @usableFromInline @exclusivity(unchecked) var isNoted = false
  /// Replies that the handler has dropped: it may be suspended, and their fate is its own.
  @exclusivity(unchecked) private var droppedReplies: [DroppedReply] = []
  @usableFromInline @exclusivity(unchecked) private(set) var hasDroppedReplies = false
  /// Those of actors, and not a task's own code.
  private let runsHandlers: Bool

  init(_ scheduler: any Scheduler, runsHandlers: Bool) {
    self.scheduler = scheduler
    self.runsHandlers = runsHandlers
  }

  @usableFromInline package func enqueue(_ job: consuming ExecutorJob) { add(UnownedJob(job)) }

  func add(_ job: UnownedJob) {
    if !jobs.add() { return lock.withLock { rest.append(job) } }
    first = job
    // The queue's hold; the worker lets it go.
    let runnable = Unmanaged.passRetained(self)
    // Never on a worker of another scheduler: what a job runs may make any loop go on.
    let id = ObjectIdentifier(scheduler)
    if Worker.withCurrent({ $0.schedulerID == id && $0.loops.capture(runnable) }) == true { return }
    // On a foreign thread: the task may run at once, and be the last that keeps the scheduler.
    let held = troupe_current_worker() == nil ? Unmanaged.passRetained(scheduler as AnyObject) : nil
    scheduler.schedule(Runnable(runnable))
    held?.release()
  }

  /// Runs what is queued. On a worker, scheduled once.
  func run(on worker: Worker) {
    worker.running(handlers: runsHandlers) {
      let before = troupe_current_loop()
      troupe_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
      defer { troupe_set_current_loop(before) }
      guard var job = first.take() else { fatalError("Troupe: an executor was scheduled without a job") }
      self.worker = .passUnretained(worker)
      while true {
        job.runSynchronously(on: asUnownedSerialExecutor())
        if isHandling { handlerWaits() }
        guard jobs.remove() else { return }
        job = next()
      }
    }
  }

  /// Calls `body` with the executor of the asynchronous handler that runs on the calling thread, if one does.
  static func withCurrentHandler<R>(_ body: (LoopExecutor) -> R) -> R? {
    guard let loop = troupe_current_loop() else { return nil }
    return Unmanaged<LoopExecutor>.fromOpaque(loop)._withUnsafeGuaranteedRef { $0.cell == nil ? nil : body($0) }
  }

  /// The job has ended in the midst of a handler, and nothing else of the loop runs before this returns.
  /// Whoever stops the actor from now on cancels the loop's task; whoever did so before is seen here.
  private func handlerWaits() {
    guard let cell, let loop, !isNoted else { return }
    isNoted = true
    cell._withUnsafeGuaranteedRef { $0.noteHandler(loop) }
  }

  func drop(_ reply: DroppedReply) {
    droppedReplies.append(reply)
    hasDroppedReplies = true
  }

  @usableFromInline func settleDroppedReplies(_ error: (any Error)?) {
    guard hasDroppedReplies else { return }
    hasDroppedReplies = false
    let dropped = droppedReplies
    droppedReplies = []
    for reply in dropped { reply.fail(error) }
  }

  /// The task whose job this is gives up its turn; `worker` runs it.
  private func runAfterCurrent(_ job: UnownedJob, _ worker: Worker) {
    // One is enough: others of this executor go to its end.
    if jobs.keepYielded(job) { worker.runAfterCurrent(Runnable(yieldedLoop: .passUnretained(self))) } else { add(job) }
  }

  func turnEnds() {
    if let job = jobs.takeYielded() { add(job) }
  }

  /// What the channels' way of waiting needs to know about us. Once for the process.
  static let installsYieldHooks: Void = troupe_set_yield_hooks(
    { worker, loop, job in
      guard let worker, let job else { return false }
      let unowned = unsafeBitCast(job, to: UnownedJob.self)
      Unmanaged<Worker>.fromOpaque(worker)._withUnsafeGuaranteedRef { worker in
        if let loop {
          Unmanaged<LoopExecutor>.fromOpaque(loop)._withUnsafeGuaranteedRef { $0.runAfterCurrent(unowned, worker) }
        } else {
          worker.runAfterCurrent(Runnable(yielded: unowned))
        }
      }
      return true
    },
    { loop, job in
      guard let loop, let job else { return }
      // Not guaranteed by anything else: the task may run, and end, on another thread before this returns.
      Unmanaged<LoopExecutor>.fromOpaque(loop).takeUnretainedValue().add(unsafeBitCast(job, to: UnownedJob.self))
    })

  /// It is in `rest`, or about to be.
  private func next() -> UnownedJob {
    var backoff = Backoff()
    while true {
      let job = lock.withLock { rest.isEmpty ? nil : rest.removeFirst() }
      if let job { return job }
      backoff.snooze()
    }
  }

  @usableFromInline package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  // What runs here was enqueued here; a task is started on it from outside, before anything else can run.
  @usableFromInline package func checkIsolated() {}
}

/// The number of jobs of a serial executor.
struct LoopState: ~Copyable, Sendable {
  private let count = Atomic<Int>(0)
  /// A job that gave up its turn, or 0.
  private let turn = Atomic<UInt>(0)

  /// True if it was zero. Acquire-release: a job sees what the one before it did, whichever thread ran it.
  func add() -> Bool { count.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue == 0 }
  /// False if there is one already.
  func keepYielded(_ job: UnownedJob) -> Bool {
    turn.compareExchange(
      expected: 0, desired: unsafeBitCast(job, to: UInt.self), successOrdering: .releasing, failureOrdering: .relaxed
    ).exchanged
  }
  func takeYielded() -> UnownedJob? {
    let bits = turn.exchange(0, ordering: .acquiring)
    return bits == 0 ? nil : unsafeBitCast(bits, to: UnownedJob.self)
  }

  /// True if some are left.
  func remove() -> Bool { count.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue > 0 }
}
