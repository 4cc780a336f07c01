/// A scheduler beside the pool of a system, for actors that ask for another dispatcher.
///
/// Time and timers are the pool's. Tasks with the system's executor run on the pool; what runs here are
/// cells, and the loops of their asynchronous handlers.
///
/// Sendable because it has constants only, and subclasses say why they are.
@usableFromInline package class DispatcherScheduler: Scheduler, @unchecked Sendable {
  let base: any Scheduler
  let workers: DispatcherWorkers

  init(_ workers: DispatcherWorkers) {
    self.workers = workers
    base = workers.base
  }

  @usableFromInline package func schedule(_ runnable: Runnable) { fatalError("abstract") }
  @usableFromInline package func yield(_ cell: Cell, on worker: Worker) { schedule(Runnable(cell)) }
  /// A cell of this scheduler has ended, or was refused: once for each.
  func leave() {}
  @usableFromInline package func stop() {}

  @usableFromInline package final func nextRandom() -> UInt64 { base.nextRandom() }
  @usableFromInline package final var preciseNow: Int64 { base.preciseNow }
  @usableFromInline package final var coarseNow: Int64 { base.coarseNow }
  @usableFromInline package final var latestNow: Int64 { base.latestNow }
  @usableFromInline package final func deadline(after delay: Duration) -> Int64 { base.deadline(after: delay) }
  @usableFromInline package final func add(_ timer: Timer) { base.add(timer) }
  @usableFromInline package final func cancel(_ timer: Timer) { base.cancel(timer) }
  // Never beside a scheduler that runs everything.
  @usableFromInline package final var loopPreference: (any TaskExecutor)? { nil }
  @usableFromInline package final var runsEverything: Bool { false }
  @usableFromInline package final var executor: WorkerExecutor! {
    get { base.executor }
    set {}
  }
}
