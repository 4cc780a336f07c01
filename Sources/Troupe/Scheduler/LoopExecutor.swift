internal import Synchronization

/// A serial executor on a scheduler's workers: that of an asynchronous loop, or of a task's lane.
///
/// Whoever makes the number of jobs one brings the executor to a worker, which runs jobs until the number is zero again. Nearly
/// always there is one job at a time, and no lock is touched.
///
/// Sendable because `first` belongs to the one that made the number one, then to the worker, and `rest` is under the lock.
@usableFromInline package final class LoopExecutor: SerialExecutor, @unchecked Sendable {
  private let scheduler: any Scheduler
  /// Jobs that run or wait.
  private let jobs = LoopState()
  @exclusivity(unchecked) private var first: UnownedJob?
  private let lock = FutexLock()
  @exclusivity(unchecked) private var rest: [UnownedJob] = []

  /// Those of actors, and not a task's own code.
  private let runsHandlers: Bool

  init(_ scheduler: any Scheduler, runsHandlers: Bool) {
    self.scheduler = scheduler
    self.runsHandlers = runsHandlers
  }

  @usableFromInline package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if !jobs.add() { return lock.withLock { rest.append(job) } }
    first = job
    // The queue's hold; the worker lets it go.
    let runnable = Unmanaged.passRetained(self)
    if Worker.withCurrent({ $0.loops.capture(runnable) }) == true { return }
    scheduler.schedule(Runnable(runnable))
  }

  /// Runs what is queued. On a worker, scheduled once.
  func run(on worker: Worker) {
    worker.running(handlers: runsHandlers) {
      guard var job = first.take() else { fatalError("Troupe: an executor was scheduled without a job") }
      while true {
        job.runSynchronously(on: asUnownedSerialExecutor())
        guard jobs.remove() else { return }
        job = next()
      }
    }
  }

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

  /// True if it was zero. Acquire-release: a job sees what the one before it did, whichever thread ran it.
  func add() -> Bool { count.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue == 0 }
  /// True if some are left.
  func remove() -> Bool { count.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue > 0 }
}
