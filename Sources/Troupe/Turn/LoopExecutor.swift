internal import CTroupeShims
internal import Synchronization

/// A serial executor on a scheduler's workers. Each `AsyncLoop`, each `TaskRunner`, each
/// `InterleavingExecutor` and each `TroupeExecutor` has one.
///
/// Whoever raises the number of jobs from zero to one brings the executor to a worker, which runs jobs until the number
/// is zero again. Nearly always there is one job at a time, and then no lock is touched.
///
/// Sendable because `first` belongs to whoever raised the number of jobs to one, and then to the worker;
/// `rest` is under the lock; `taken` and `place` belong to the worker, like `first`; and the other variables
/// are touched only by the executor's own jobs, and by the worker between two of them.
@usableFromInline package final class LoopExecutor: SerialExecutor, @unchecked Sendable {
  private let scheduler: any Scheduler
  /// The number of jobs that run or wait.
  private let jobs = LoopState()
  /// The job that raised the number of jobs to one, until the worker takes it.
  @exclusivity(unchecked) private var first: UnownedJob?
  private let lock = FutexLock()
  /// The jobs that came while another one was running or waiting, oldest first. It is touched under the lock.
  @exclusivity(unchecked) private var rest: [UnownedJob] = []
  /// The jobs that the worker has taken out of `rest`, oldest first. Those before `place` have run.
  @exclusivity(unchecked) private var taken: [UnownedJob] = []
  @exclusivity(unchecked) private var place = 0
  /// What is known of this executor outside of the runtime, if it is that of a `TroupeExecutor`.
  private let backlog: JobBacklog?

  /// The worker that runs the job in hand.
  @usableFromInline @exclusivity(unchecked) var worker: Unmanaged<Worker>?
  /// The cell whose handler runs or is suspended here, if any. Only a loop has one.
  @usableFromInline @exclusivity(unchecked) var cell: Unmanaged<Cell>?
  /// The loop whose executor this is, if it is that of a loop.
  @exclusivity(unchecked) var loop: Unmanaged<AsyncLoop>?
  /// Whether the cell is in its turn and what runs can be cancelled, which is everything except the last hook. If the
  /// job ends while this is true, a handler has been suspended.
  ///
  /// It is set to false before the cell is given away, because the job may end after that too. In a simulation the task
  /// has a preference, and where the language's runtime checks that the task is on the right executor it may enqueue
  /// the task anew.
  @usableFromInline @exclusivity(unchecked) var isHandling = false
  /// Whether the loop is noted in the cell's `HandlerState`.
  @usableFromInline @exclusivity(unchecked) var isNoted = false
  /// The replies that the handler has dropped unused. They are kept here and not with the worker, because the handler
  /// may be suspended and go on with another worker.
  @exclusivity(unchecked) private var droppedReplies: [DroppedReply] = []
  @usableFromInline @exclusivity(unchecked) private(set) var hasDroppedReplies = false
  /// Whether the jobs are those of an actor's handlers, and not of a task of the user.
  private let runsHandlers: Bool

  init(_ scheduler: any Scheduler, runsHandlers: Bool, backlog: JobBacklog? = nil) {
    self.scheduler = scheduler
    self.runsHandlers = runsHandlers
    self.backlog = backlog
  }

  @usableFromInline package func enqueue(_ job: consuming ExecutorJob) { add(UnownedJob(job)) }

  /// Has a worker run a job, after those that are here already. Any thread may call this.
  func add(_ job: UnownedJob) {
    if !jobs.add() { return append(job) }
    first = job
    // This count is for being in a queue. The worker that runs the executor releases it.
    let runnable = Unmanaged.passRetained(self)
    // A worker of another scheduler must not run this executor, even if it waits to capture one: what runs there may
    // make any loop go on.
    let id = ObjectIdentifier(scheduler)
    let isDone = Worker.withCurrent { worker in
      guard worker.schedulerID == id else { return false }
      if !worker.loops.capture(runnable) { worker.push(Runnable(runnable)) }
      return true
    }
    if isDone == true { return }
    // On a thread that is no worker, nothing else may keep the scheduler: the task may run at once on a worker, end,
    // and have been the last that did. A native actor may also be called from a worker of another system.
    let isAlone = troupe_current_worker() == nil || backlog != nil
    let held = isAlone ? Unmanaged.passRetained(scheduler as AnyObject) : nil
    scheduler.schedule(Runnable(runnable))
    held?.release()
  }

  /// Puts a job, which has been counted, behind those that wait.
  private func append(_ job: UnownedJob) {
    // This comes before the job is there, because afterwards the executor may run it and be freed.
    let waiting = jobs.current - 1
    let reported = backlog.flatMap { $0.grows(to: waiting) ? $0 : nil }
    lock.withLock { rest.append(job) }
    // The report calls code of the user, and the worker may wait for the job.
    reported?.report(waiting)
  }

  /// Runs jobs until there are none. A `TroupeExecutor`, which may have many, also stops at the end of its turn, and
  /// goes to the end of the queue with the others. A worker calls this on its own thread, once each time that the
  /// executor was made runnable.
  func run(on worker: Worker) {
    worker.running(handlers: runsHandlers) {
      let before = troupe_current_loop()
      troupe_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
      defer { troupe_set_current_loop(before) }
      guard var job = first.take() else {
        fatalError("Troupe: an executor was scheduled without a job. This is a bug in Troupe.")
      }
      self.worker = .passUnretained(worker)
      var left = Turn.messageLimit - worker.turnReduction
      let start = worker.ticks.load(ordering: .relaxed)
      while true {
        job.runSynchronously(on: asUnownedSerialExecutor())
        if isHandling { handlerWaits() }
        // The job that has ended still counts, and the next one will not wait any more.
        backlog?.shrinks(to: jobs.current - 2)
        guard jobs.remove() else { return }
        job = next()
        left -= 1
        if backlog != nil && (left <= 0 || Turn.isLong(worker.ticks.load(ordering: .relaxed), since: start)) {
          first = job
          return scheduler.yield(Runnable(.passRetained(self)), on: worker)
        }
      }
    }
  }

  /// Calls `body` with the executor of the asynchronous handler that runs on the calling thread. Returns nil if none
  /// does.
  static func withCurrentHandler<R>(_ body: (LoopExecutor) -> R) -> R? {
    guard let loop = troupe_current_loop() else { return nil }
    return Unmanaged<LoopExecutor>.fromOpaque(loop)._withUnsafeGuaranteedRef { $0.cell == nil ? nil : body($0) }
  }

  /// Called when a job has ended in the midst of a handler, before anything else of the loop can run. Whoever stops the
  /// actor after this cancels the loop's task, and if somebody has stopped it before, that is done here.
  private func handlerWaits() {
    guard let cell, let loop, !isNoted else { return }
    isNoted = true
    cell._withUnsafeGuaranteedRef { $0.noteHandler(loop) }
  }

  /// Keeps a reply that was dropped unused, until the handler ends.
  func drop(_ reply: DroppedReply) {
    droppedReplies.append(reply)
    hasDroppedReplies = true
  }

  /// Called when the handler has ended: the asks whose replies it dropped fail with its error, or as dropped if there
  /// is none.
  @usableFromInline func settleDroppedReplies(_ error: (any Error)?) {
    guard hasDroppedReplies else { return }
    hasDroppedReplies = false
    let dropped = droppedReplies
    droppedReplies = []
    for reply in dropped { reply.fail(error) }
  }

  /// Called on the worker's own thread when a task of this executor gives up its turn: `job` goes on after something
  /// else has had one.
  private func runAfterCurrent(_ job: UnownedJob, _ worker: Worker) {
    // This executor can keep only one such job. Any other goes to the end of its own jobs.
    if jobs.keepYielded(job) { worker.runAfterCurrent(Runnable(yieldedLoop: .passUnretained(self))) } else { add(job) }
  }

  /// Makes the job that gave up its turn runnable again.
  func turnEnds() {
    if let job = jobs.takeYielded() { add(job) }
  }

  /// Tells the channels how a task that waits gives up its turn on a worker, and how it goes on. `Worker.init` makes
  /// sure that this happens once for the process.
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
      // The executor is retained here, because the task may run on another thread and end before this returns.
      Unmanaged<LoopExecutor>.fromOpaque(loop).takeUnretainedValue().add(unsafeBitCast(job, to: UnownedJob.self))
    })

  /// Takes the oldest of the jobs that wait. Whoever has counted a job may not have put it there yet, so this may have
  /// to wait for that thread. All jobs of `rest` are taken at once, so that each job costs O(1) however many there are.
  private func next() -> UnownedJob {
    if place == taken.count {
      taken.removeAll(keepingCapacity: taken.capacity <= Self.keptCapacity)
      place = 0
      var backoff = Backoff()
      while true {
        lock.withLock { swap(&rest, &taken) }
        if !taken.isEmpty { break }
        backoff.snooze()
      }
    }
    defer { place += 1 }
    return taken[place]
  }

  /// An array with room for more jobs than this is freed when its jobs have been run.
  private static let keptCapacity = 1024

  // MARK: For a `TroupeExecutor`

  /// The number of jobs that run or wait. Any thread may read it.
  var jobCount: Int { jobs.current }

  /// The name of the `TroupeExecutor` whose executor this is, if there is one.
  var name: String? { backlog?.name }

  /// Whether the calling thread runs a job of this executor.
  var isCurrent: Bool { troupe_current_loop() == Unmanaged.passUnretained(self).toOpaque() }

  @usableFromInline package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  /// Stops the program if the calling thread does not run a job of this executor. The language's runtime calls it for
  /// `assumeIsolated`.
  @usableFromInline package func checkIsolated() {
    // Our own actors only assume isolation in order to start a task, before anything else can run.
    guard let backlog, !isCurrent else { return }
    fatalError(
      "Troupe: isolation to an actor on the executor \(backlog.name) was assumed by code that does not run on that "
        + "executor. Await a method of the actor there.")
  }

  /// Whether the calling thread runs a job of this executor, or nil where `checkIsolated` is to be asked.
  @available(macOS 26.0, iOS 26.0, watchOS 26.0, tvOS 26.0, visionOS 26.0, *)
  @usableFromInline package func isIsolatingCurrentContext() -> Bool? { backlog == nil ? nil : isCurrent }
}

/// The number of jobs of a serial executor, and the one of them that gave up its turn.
struct LoopState: ~Copyable, Sendable {
  private let count = Atomic<Int>(0)
  /// The bits of the job that gave up its turn, or 0.
  private let yielded = Atomic<UInt>(0)

  /// Counts a job. Returns whether there was none, and then the caller has to bring the executor to a worker.
  ///
  /// Acquire-release, as in `remove`: a job sees what the job before it did, whichever thread ran that.
  func add() -> Bool { count.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue == 0 }
  /// Keeps a job that gives up its turn. Returns false if there is one already. Releasing: publishes the job, and pairs
  /// with the exchange in `takeYielded`.
  func keepYielded(_ job: UnownedJob) -> Bool {
    yielded.compareExchange(
      expected: 0, desired: unsafeBitCast(job, to: UInt.self), successOrdering: .releasing, failureOrdering: .relaxed
    ).exchanged
  }
  /// Takes the job that gave up its turn, if there is one.
  func takeYielded() -> UnownedJob? {
    let bits = yielded.exchange(0, ordering: .acquiring)
    return bits == 0 ? nil : unsafeBitCast(bits, to: UnownedJob.self)
  }

  /// The number of jobs. Relaxed: this is a figure, and no other memory is read because of it.
  var current: Int { count.load(ordering: .relaxed) }

  /// Counts a job as done. Returns whether there are others.
  func remove() -> Bool { count.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue > 0 }
}
