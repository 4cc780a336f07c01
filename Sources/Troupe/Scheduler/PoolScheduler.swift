internal import CTroupeShims
import Synchronization

/// The scheduler on a Dispatch thread pool.
///
/// At most `workers` threads run at a time. Each worker is a serial Dispatch queue of its own: blocks on a concurrent
/// queue would wait for the threads that the rest of the program may have blocked. A worker runs what is runnable until
/// there is nothing left, then returns its thread to Dispatch.
final class PoolScheduler: Scheduler, @unchecked Sendable {
  unowned(unsafe) var executor: WorkerExecutor!
  // Set once, before anything runs: the workers need the pool first.
  @exclusivity(unchecked) private(set) var workers: [PoolWorker] = []
  /// The same without counting: thieves look at them all the time.
  @exclusivity(unchecked) private(set) var others = UnsafeMutableBufferPointer<Unmanaged<PoolWorker>>(
    start: nil, count: 0)
  /// What comes from outside, and what does not fit a worker's own queue: first in, first out.
  let injector = Injector()
  /// Cells that have never run and did not fit: those that came last go first. See `PoolWorker.overflow`.
  let unstarted = Injector()
  let state = PoolState()
  let clock = TimerClock()
  /// What the workers exchange cells by whose actors have ended.
  let depot = CellDepot()
  /// Set once, before anything runs.
  @exclusivity(unchecked) var watch: PoolWatch?

  /// Once for the process.
  init(workers count: Int) {
    workers = (0..<count).map { PoolWorker(self, index: $0) }
    others = UnsafeMutableBufferPointer.allocate(capacity: count)
    for (i, worker) in workers.enumerated() { others.initializeElement(at: i, to: .passUnretained(worker)) }
    state.allIdle(count)
    depot.orderTrim = { PoolScheduler.trimLater($0) }
  }

  deinit {
    clock.end()
    others.deallocate()
  }

  func schedule(_ runnable: Runnable) {
    let isDone = Worker.withCurrent { worker in
      guard worker.schedulerID == ObjectIdentifier(self) else { return false }
      unsafeDowncast(worker, to: PoolWorker.self).push(runnable)
      return true
    }
    if isDone == true { return }
    injector.push(runnable)
    wakeOne(takingSlots: false)
  }

  func yield(_ cell: Cell, on worker: Worker) {
    unsafeDowncast(worker, to: PoolWorker.self).pushLast(Runnable(cell))
  }

  /// Starts a worker, unless all run or one is looking for work already: that one will find it.
  ///
  /// From outside, the injector's length is stored before this look at `state`, and a worker's last look at
  /// that length comes after its own step on `state`, all sequentially consistent; so one of the two sees the
  /// other. From a worker no such order is needed: what it pushed it will run itself, and a look that comes
  /// too early costs parallelism until the next push or tick, not a wake-up.
  func wakeOne(takingSlots: Bool) {
    guard let index = state.claimIdle(always: takingSlots) else { return }
    workers[index].takesSlots = takingSlots
    start(workers[index])
    armTick()
  }

  private let random = RandomState()
  func nextRandom() -> UInt64 { random.next() }
  var preciseNow: Int64 { troupe_clock_now() }
  var coarseNow: Int64 { troupe_clock_coarse() }
  var latestNow: Int64 { troupe_clock_coarse() &+ Self.coarseTick }
  private static let coarseTick = troupe_clock_coarse_tick()
  func deadline(after delay: Duration) -> Int64 { preciseNow.saturatingAdd(delay.nanosecondsClamped) }

  func add(_ timer: Timer) { clock.wheel.add(timer) }
  func cancel(_ timer: Timer) { clock.wheel.cancel(timer) }

  func stop() {
    watch?.stop()
    for worker in workers {
      run(on: worker) { worker.asCurrent { worker.loops.end(on: worker) } }
    }
  }

  // MARK: The tick

  /// Looks for work that waits beside a free worker: a message to an idle actor is handled although the
  /// handler that sent it does not return, and what is queued behind a busy worker does not stay there. Runs
  /// only while workers do.
  func tick() {
    state.tickPasses()
    var isWaiting = !injector.isEmpty || !unstarted.isEmpty
    var isQueued = false
    for worker in workers {
      worker.ticks.wrappingAdd(1, ordering: .relaxed)
      let activations = worker.activations.load(ordering: .relaxed)
      let isStuck = activations == worker.activationsAtTick
      worker.activationsAtTick = activations
      if isStuck && worker.hasWork { isWaiting = true }
      if worker.hasQueuedWork { isQueued = true }
      if isStuck { worker.releaseYielded() }
    }
    if isWaiting {
      wakeOne(takingSlots: true)
    } else if isQueued && state.mayWakeOne {
      wakeOne(takingSlots: false)
    }
    watch?.look(at: self)
    state.tickDone()
    if !state.isAllIdle(workers.count) { armTick() }
  }

  func armTick() {
    if state.claimTick() { armTick(after: 5_000_000) }
  }
}

extension PoolScheduler {
  /// Work that any worker could take.
  var hasQueuedWork: Bool {
    !injector.isEmpty || !unstarted.isEmpty
      || !state.isQuiet && others.contains { $0._withUnsafeGuaranteedRef { $0.hasQueuedWork } }
  }

  /// For `Spreading`: the crossings of all workers since they exist, and how many have a thread. One load a worker.
  var crossings: (crossings: UInt, active: Int) {
    var sum: UInt = 0
    for other in others { sum &+= other._withUnsafeGuaranteedRef { $0.crossings.load(ordering: .relaxed) } }
    return (sum, state.active(of: others.count))
  }
}
