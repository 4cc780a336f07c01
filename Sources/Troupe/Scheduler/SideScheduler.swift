import Synchronization

/// A scheduler beside the pool of a system, for actors that ask for another dispatcher.
///
/// Time and timers are the pool's. Tasks with the system's executor run on the pool; what runs here are cells, and the loops
/// of their asynchronous handlers.
///
/// Sendable because it has constants only, and subclasses say why they are.
@usableFromInline package class SideScheduler: Scheduler, @unchecked Sendable {
  let base: any Scheduler
  let workers: SideWorkers

  init(_ workers: SideWorkers) {
    self.workers = workers
    base = workers.base
  }

  @usableFromInline package func schedule(_ runnable: Runnable) { fatalError("abstract") }
  @usableFromInline package func yield(_ cell: Cell, on worker: Worker) { schedule(Runnable(cell)) }
  /// A cell of this scheduler has ended, or was refused: once for each.
  func leave() {}
  @usableFromInline package func stop() {}

  @usableFromInline package final func nextRandom() -> UInt64 { base.nextRandom() }
  @usableFromInline package final var coarseNow: Int64 { base.coarseNow }
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

/// A worker of such a scheduler. One thread at a time runs it.
///
/// Sendable because what is not atomic is its thread's, or that of the tick.
class SideWorker: Worker, @unchecked Sendable {
  /// Odd during a turn. Written by the thread that runs this worker.
  private let turn = TurnState()
  // The tick's own.
  private var turnSeen: UInt = 0
  private var ticksSeen = 0

  /// Runs one thing, on a thread that is this worker.
  final func run(_ runnable: Runnable, in workers: SideWorkers) {
    turn.begin()
    workers.armTick()
    if !runnable.isCell, case .turnOf(let loop) = runnable.task {
      // The job is kept until now, and with it the loop; once it is given back, another thread may run it to its end.
      let loop = loop.takeUnretainedValue()
      withExtendedLifetime(loop) { execute(runnable) }
    } else {
      execute(runnable)
    }
    turn.end()
  }

  /// True if the turn in hand needs another tick to know that it is long.
  final func tick() -> Bool {
    let now = turn.current
    guard now % 2 == 1 else { return false }
    if now != turnSeen {
      turnSeen = now
      ticksSeen = 0
    }
    if ticksSeen < 3 { ticks.wrappingAdd(1, ordering: .relaxed) }
    ticksSeen += 1
    return ticksSeen < 3
  }
}
