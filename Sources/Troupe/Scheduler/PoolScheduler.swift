internal import CTroupeShims
import Synchronization

/// The default scheduler of a system: a pool of workers whose threads come from Dispatch.
///
/// At most as many threads run at a time as there are workers. Each worker is a serial Dispatch queue of its own,
/// because blocks on a concurrent queue would have to wait for threads that the rest of the program may have blocked:
/// with eight sleeping blocks on the global queue, a block on a concurrent queue started after 2,950 ms, and one on a
/// serial queue after 0.18 ms. A worker runs what is runnable until nothing is left, and then returns its thread to
/// Dispatch. There is never a block for each message, which would cost 170 to 1,000 ns.
///
/// Sendable because what is not atomic is set before anything runs, or is guarded by the lock of the object that it is
/// in.
final class PoolScheduler: Scheduler, @unchecked Sendable {
  unowned(unsafe) var executor: WorkerExecutor!
  // This is set at the end of `init`, before anything runs, because each worker needs a reference to the pool.
  @exclusivity(unchecked) private(set) var workers: [PoolWorker] = []
  /// The same workers, without reference counting. Workers that look for work to steal go through them all the time,
  /// and would pass the cache lines of the counts to and fro.
  @exclusivity(unchecked) private(set) var others = UnsafeMutableBufferPointer<Unmanaged<PoolWorker>>(
    start: nil, count: 0)
  /// The queue of what becomes runnable on a thread that is no worker of this pool, and of what does not fit into a
  /// worker's own queue. The oldest runnable is taken first.
  let injector = Injector()
  /// The queue of cells that have never run and did not fit into a worker's own queue. The newest are taken first, for
  /// the reason that `PoolWorker.overflow` gives.
  let unstarted = Injector()
  let state = PoolState()
  let clock = TimerClock()
  /// The depot through which the workers exchange cells of ended actors.
  let depot = CellDepot()
  /// The bits of the poller, or 0 before the first descriptor. It is made once, under `pollerLock`, and never changes.
  private let pollerBits = Atomic<UInt>(0)
  private let pollerLock = FutexLock()
  /// The watchdog, if the system has one. It is set once, before anything runs.
  @exclusivity(unchecked) var watch: PoolWatch?

  /// Makes a pool in which no worker has a thread yet. `ActorSystem.init` makes one for each system.
  init(workers count: Int) {
    workers = (0..<count).map { PoolWorker(self, index: $0) }
    others = UnsafeMutableBufferPointer.allocate(capacity: count)
    for (i, worker) in workers.enumerated() { others.initializeElement(at: i, to: .passUnretained(worker)) }
    state.allIdle(count)
    depot.orderTrim = { PoolScheduler.trimLater($0) }
  }

  deinit {
    clock.end()
    existingPoller?.release()
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
    wakeOne(mayStealNext: false)
  }

  func yield(_ runnable: Runnable, on worker: Worker) {
    unsafeDowncast(worker, to: PoolWorker.self).pushLast(runnable)
  }

  /// Gives a thread to an idle worker. Does nothing if no worker is idle, or if one is searching already, since that
  /// one will find the new work.
  ///
  /// - Parameter mayStealNext: Whether the worker may also take what lies in the slots of the others, and is started
  ///   even if another one is searching. Only the tick asks for this.
  ///
  /// A caller that is no worker has stored the injector's length before it looks at `state` here. A worker that goes
  /// idle changes `state` before its last look at that length (`PoolWorker.becomeIdle`). All four steps are
  /// sequentially consistent, so one of the two sees what the other has done, and no wake-up is lost. A caller that is
  /// a worker needs no such order, because it will run what it pushed itself. If it looks too early, the work only
  /// starts to run in parallel a little later, with the next push or tick.
  func wakeOne(mayStealNext: Bool) {
    guard let index = state.claimIdle(always: mayStealNext) else { return }
    workers[index].mayStealNext = mayStealNext
    if !workers[index].leavePoller(in: self) { start(workers[index]) }
    armTick()
  }

  private let random = RandomState()
  func nextRandom() -> UInt64 { random.next() }
  var preciseNow: Int64 { troupe_clock_now() }
  var coarseNow: Int64 { troupe_clock_coarse() }
  // The coarse clock is behind by one tick of the kernel at most.
  var latestNow: Int64 { troupe_clock_coarse() &+ Self.coarseTick }
  private static let coarseTick = troupe_clock_coarse_tick()
  func deadline(after delay: Duration) -> Int64 { preciseNow.saturatingAdd(delay.nanosecondsClamped) }

  // The clock keeps its wheel, so no reference is counted.
  func add(_ timer: Timer) { Unmanaged.passUnretained(clock.wheel)._withUnsafeGuaranteedRef { $0.add(timer) } }
  func cancel(_ timer: Timer) { Unmanaged.passUnretained(clock.wheel)._withUnsafeGuaranteedRef { $0.cancel(timer) } }

  func stop() {
    watch?.stop()
    // Each worker ends its parked loops on its own thread, since nobody else may touch them.
    for worker in workers {
      run(on: worker) { worker.asCurrent { worker.loops.end(on: worker) } }
    }
  }

  // MARK: The poller

  /// The poller, if anybody has asked for it. To look costs one load.
  ///
  /// Sequentially consistent, as is the store in `poller`: a worker that goes idle looks here after its step on the
  /// idle workers, and whoever adds the first descriptor looks at those after the store.
  var existingPoller: Unmanaged<Poller>? {
    UnsafeRawPointer(bitPattern: pollerBits.load(ordering: .sequentiallyConsistent)).map { .fromOpaque($0) }
  }

  /// The poller, which the first call makes. It is nil, and errno is set, if the system has no room for one.
  package var poller: Poller? {
    pollerLock.withLock {
      if let existingPoller { return existingPoller.takeUnretainedValue() }
      guard let poller = Poller({ [unowned self] in wakeOne(mayStealNext: true) }) else { return nil }
      pollerBits.store(UInt(bitPattern: Unmanaged.passRetained(poller).toOpaque()), ordering: .sequentiallyConsistent)
      return poller
    }
  }

  /// Whether there are descriptors.
  private var isPollerWanted: Bool { existingPoller?._withUnsafeGuaranteedRef { $0.isWanted } ?? false }

  /// Whether there are descriptors and no worker waits for them, so that a worker must not return its thread.
  var pollerLacksWaiter: Bool { existingPoller?._withUnsafeGuaranteedRef { $0.lacksWaiter } ?? false }

  /// Called by the tick: whether nobody has looked at the poller since the last tick.
  private var isPollerForgotten: Bool {
    existingPoller?._withUnsafeGuaranteedRef { poller in
      let looks = poller.looks.load(ordering: .relaxed)
      defer { poller.looksAtTick = looks }
      return looks == poller.looksAtTick && poller.lacksWaiter
    } ?? false
  }

  // MARK: The tick

  /// Looks whether work waits although a worker is idle, and if so starts one. Because of this, a message to an idle
  /// actor is handled even if the handler that sent it does not return, and runnables do not stay queued behind a busy
  /// worker.
  ///
  /// It is called every 5 milliseconds while any worker has a thread, on a Dispatch queue that serves the ticks of all
  /// pools, so it must be short.
  func tick() {
    state.tickPasses()
    var mostTurns: UInt = 0
    var isWaiting = !injector.isEmpty || !unstarted.isEmpty
    var isQueued = false
    for worker in workers {
      let turns = worker.tickPasses()
      mostTurns = max(mostTurns, turns)
      let isStuck = turns == 0
      if isStuck && worker.hasWork { isWaiting = true }
      if worker.hasQueuedWork { isQueued = true }
      if isStuck { worker.releaseYielded() }
    }
    state.estimate(turns: mostTurns, whileSocketsWait: isPollerWanted, at: preciseNow)
    if isPollerForgotten { isWaiting = true }
    if isWaiting {
      wakeOne(mayStealNext: true)
    } else if isQueued && state.mayWakeOne {
      wakeOne(mayStealNext: false)
    }
    watch?.look(at: self)
    // First this step, then the look at the idle workers, both sequentially consistent. Pairs with `wakeOne`, which
    // claims a worker and then looks whether a tick is ordered: one of the two orders the next tick.
    state.tickDone()
    if !state.isAllIdle(workers.count) && state.claimTick() { armTick(after: Int(PoolSizes.tick)) }
  }

  /// Orders the next tick, unless one is ordered already.
  func armTick() {
    guard state.claimTick() else { return }
    state.idleEnds(at: preciseNow)
    armTick(after: Int(PoolSizes.tick))
  }
}

extension PoolScheduler {
  /// Whether there is work that any worker could take. A quiet pool leaves the workers' own queues alone, so then only
  /// the shared queues count.
  var hasQueuedWork: Bool {
    !injector.isEmpty || !unstarted.isEmpty
      || !state.isQuiet && others.contains { $0._withUnsafeGuaranteedRef { $0.hasQueuedWork } }
  }

  /// Whether there is so much work that any worker could take that it pays to wake one for it.
  var hasWorkToShare: Bool {
    !injector.isEmpty || !unstarted.isEmpty
      || !state.isQuiet && others.contains { $0._withUnsafeGuaranteedRef { $0.hasWorkToShare } }
  }

  /// The number of crossings that all workers have had since they exist, and the number of workers that have a thread.
  /// `Spreading` asks for this; it costs one load for each worker.
  var crossings: (crossings: UInt, active: Int) {
    var sum: UInt = 0
    for other in others { sum &+= other._withUnsafeGuaranteedRef { $0.crossings.load(ordering: .relaxed) } }
    return (sum, state.active(of: others.count))
  }
}
