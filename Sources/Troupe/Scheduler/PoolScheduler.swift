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
  let injector = Injector()
  let state = PoolState()
  let clock = TimerClock()
  /// Set once, before anything runs.
  @exclusivity(unchecked) var watch: PoolWatch?

  /// Once for the process.
  init(workers count: Int) {
    workers = (0..<count).map { PoolWorker(self, index: $0) }
    others = UnsafeMutableBufferPointer.allocate(capacity: count)
    for (i, worker) in workers.enumerated() { others.initializeElement(at: i, to: .passUnretained(worker)) }
    state.allIdle(count)
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
  /// From outside, the injector's length is stored before this look at `state`, and a worker's last look at that length comes
  /// after its own step on `state`, all sequentially consistent; so one of the two sees the other. From a worker no such order is needed: what it
  /// pushed it will run itself, and a look that comes too early costs parallelism until the next push or tick, not a wake-up.
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

  /// Looks for work that waits beside a free worker: a message to an idle actor is handled although the handler that sent
  /// it does not return. Runs only while workers do.
  func tick() {
    state.unhush()
    var isWaiting = !injector.isEmpty
    for worker in workers {
      worker.ticks.wrappingAdd(1, ordering: .relaxed)
      let activations = worker.activations.load(ordering: .relaxed)
      let isStuck = activations == worker.activationsAtTick
      worker.activationsAtTick = activations
      if isStuck && worker.hasWork { isWaiting = true }
      if isStuck { worker.expelTurnsGiven() }
    }
    if isWaiting { wakeOne(takingSlots: true) }
    watch?.look(at: self)
    state.tickDone()
    if !state.isAllIdle(workers.count) { armTick() }
  }

  func armTick() {
    if state.claimTick() { armTick(after: 5_000_000) }
  }
}

/// Which workers have no thread, and whether one of the others is looking for work.
struct PoolState: ~Copyable, Sendable {
  /// A bit for each worker that has returned its thread.
  private let idle = Atomic<UInt64>(0)
  private let searching = Atomic<Int>(0)
  private let tick = Atomic<Bool>(false)
  /// Until the next tick, a short queue of a worker is no reason to wake another.
  private let hushed = Atomic<Bool>(false)

  func allIdle(_ count: Int) { idle.store(count == 64 ? ~0 : (1 << UInt64(count)) - 1, ordering: .relaxed) }
  func isIdle(_ index: Int) -> Bool { idle.load(ordering: .relaxed) & 1 << UInt64(index) != 0 }
  func isAllIdle(_ count: Int) -> Bool {
    idle.load(ordering: .sequentiallyConsistent).nonzeroBitCount == count
  }

  /// A cheap first look.
  var mayWakeOne: Bool {
    idle.load(ordering: .relaxed) != 0 && searching.load(ordering: .relaxed) == 0 && !hushed.load(ordering: .relaxed)
  }

  var isHushed: Bool { hushed.load(ordering: .relaxed) }
  func hush() { hushed.store(true, ordering: .relaxed) }
  func unhush() { hushed.store(false, ordering: .relaxed) }

  /// Takes an idle worker, which starts out searching.
  func claimIdle(always: Bool) -> Int? {
    var bits = idle.load(ordering: .sequentiallyConsistent)
    if bits == 0 { return nil }
    if !always && searching.load(ordering: .sequentiallyConsistent) > 0 { return nil }
    while bits != 0 {
      let lowest = bits & ~(bits - 1)
      let (exchanged, seen) = idle.compareExchange(
        expected: bits, desired: bits & ~lowest, ordering: .sequentiallyConsistent)
      if exchanged {
        searching.wrappingAdd(1, ordering: .sequentiallyConsistent)
        return lowest.trailingZeroBitCount
      }
      bits = seen
    }
    return nil
  }

  func startSearching() { searching.wrappingAdd(1, ordering: .sequentiallyConsistent) }
  /// True if nobody else searches now.
  func stopSearching() -> Bool { searching.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue == 0 }

  func becomeIdle(_ index: Int) { idle.bitwiseOr(1 << UInt64(index), ordering: .sequentiallyConsistent) }
  /// Takes oneself back; false if somebody else has, and will start this worker anew.
  func unidle(_ index: Int) -> Bool {
    let bit: UInt64 = 1 << UInt64(index)
    return idle.bitwiseAnd(~bit, ordering: .sequentiallyConsistent).oldValue & bit != 0
  }

  func claimTick() -> Bool {
    if tick.load(ordering: .sequentiallyConsistent) { return false }
    return !tick.exchange(true, ordering: .sequentiallyConsistent)
  }
  func tickDone() { tick.store(false, ordering: .sequentiallyConsistent) }
}
