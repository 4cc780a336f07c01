/// A scheduler beside the pool of a system, for actors that ask for another dispatcher. The subclasses differ in where
/// they run things.
///
/// Only cells run here, and the loops of their asynchronous handlers. Time and timers are those of the pool, and tasks
/// with the system's executor run on the pool.
///
/// Sendable because it has constants only. Each subclass says why it is.
@usableFromInline package class DispatcherScheduler: Scheduler, @unchecked Sendable {
  /// The system's own scheduler, which is the pool.
  let base: any Scheduler
  let workers: DispatcherWorkers

  init(_ workers: DispatcherWorkers) {
    self.workers = workers
    base = workers.base
  }

  @usableFromInline package func schedule(_ runnable: Runnable) { fatalError("Troupe: a subclass must override this.") }
  @usableFromInline package func yield(_ runnable: Runnable, on worker: Worker) { schedule(runnable) }
  /// Called once for each cell that had this scheduler, when it has ended or was refused.
  func leave() {}
  @usableFromInline package func stop() {}

  @usableFromInline package final func nextRandom() -> UInt64 { base.nextRandom() }
  @usableFromInline package final var preciseNow: Int64 { base.preciseNow }
  @usableFromInline package final var coarseNow: Int64 { base.coarseNow }
  @usableFromInline package final var latestNow: Int64 { base.latestNow }
  @usableFromInline package final func deadline(after delay: Duration) -> Int64 { base.deadline(after: delay) }
  @usableFromInline package final func add(_ timer: Timer) { base.add(timer) }
  @usableFromInline package final func cancel(_ timer: Timer) { base.cancel(timer) }
  // No such scheduler is made beside one that runs everything, except for an interleaving actor, whose turns and
  // handlers `base` runs.
  @usableFromInline package final var loopPreference: (any TaskExecutor)? { nil }
  @usableFromInline package final var runsEverything: Bool { false }
  @usableFromInline package final var executor: WorkerExecutor! {
    get { base.executor }
    set {}
  }
}
