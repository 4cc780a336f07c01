/// A serial executor on a scheduler's workers: that of an asynchronous loop.
///
/// Sendable because its queue is under its lock, and its jobs run one after the other.
@usableFromInline package final class LoopExecutor: SerialExecutor, @unchecked Sendable {
  private let scheduler: any Scheduler
  private let lock = FutexLock()
  /// The usual case is one job at a time.
  @exclusivity(unchecked) private var first: UnownedJob?
  @exclusivity(unchecked) private var rest: [UnownedJob] = []
  @exclusivity(unchecked) private var isScheduled = false

  init(_ scheduler: any Scheduler) { self.scheduler = scheduler }

  @usableFromInline package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if Worker.withCurrent({ $0.loops.capture(job) }) == true { return }
    lock.lock()
    if first == nil { first = job } else { rest.append(job) }
    let needsScheduling = !isScheduled
    isScheduled = true
    lock.unlock()
    // The queue's hold; `Worker` lets it go.
    if needsScheduling { scheduler.schedule(Runnable(Unmanaged.passRetained(self))) }
  }

  /// Runs what is queued. On a worker, scheduled once.
  func run() {
    while let job = next() { job.runSynchronously(on: asUnownedSerialExecutor()) }
  }

  private func next() -> UnownedJob? {
    lock.lock()
    defer { lock.unlock() }
    guard let job = first else {
      isScheduled = false
      return nil
    }
    first = rest.isEmpty ? nil : rest.removeFirst()
    return job
  }

  @usableFromInline package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  // What runs here was enqueued here; a task is started on it from outside, before anything else can run.
  @usableFromInline package func checkIsolated() {}
}
