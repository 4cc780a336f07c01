import Synchronization

/// All workers beside the pool of one system. It adds up their figures and makes their tick.
///
/// Sendable because what changes is under the lock or atomic.
final class DispatcherWorkers: @unchecked Sendable {
  /// The system's own scheduler, whose timers make the tick.
  let base: any Scheduler
  private let lock = FutexLock()
  private var living: [DispatcherWorker] = []
  /// The figures of the workers that are gone. It is written under the lock.
  private let past = WorkerCounts()
  /// How many of the living workers have a thread of their own.
  private var threads = 0
  private let tickState = TickState()

  init(_ base: any Scheduler) { self.base = base }

  /// Enters a worker before it runs anything.
  func add(_ worker: DispatcherWorker, isThread: Bool) {
    lock.withLock {
      living.append(worker)
      if isThread { threads += 1 }
    }
  }

  /// Lets go of a worker that runs nothing any more, and keeps its figures.
  func remove(_ worker: DispatcherWorker, isThread: Bool) {
    lock.withLock {
      living.removeAll { $0 === worker }
      past.add(worker.counts)
      if isThread { threads -= 1 }
    }
  }

  /// The figures of all workers together, including those that are gone.
  var counts: [WorkerCounts] {
    lock.withLock {
      let sum = WorkerCounts()
      sum.add(past)
      for worker in living { sum.add(worker.counts) }
      return [sum]
    }
  }

  var threadCount: Int { lock.withLock { threads } }

  // MARK: The tick

  /// Orders a tick 5 milliseconds from now, unless one is ordered already. A worker calls this when a turn begins.
  ///
  /// The ticks tell a turn that it has lasted long. They stop coming after the third of a turn, so that a handler which
  /// blocks for an hour does not cost a tick every 5 milliseconds.
  func armTick() {
    if tickState.claim() { base.add(Tick(self, deadline: base.deadline(after: .milliseconds(5)))) }
  }

  /// Called on the thread that fires timers.
  private func tick() {
    // First this step, then the look at the turns, both sequentially consistent. A turn that begins meanwhile is seen
    // here, or it sees that no tick is ordered and orders one. Pairs with `TurnState.begin`.
    tickState.done()
    let isWanted = lock.withLock { living.reduce(false) { $1.tick() || $0 } }
    if isWanted { armTick() }
  }

  private final class Tick: Timer, @unchecked Sendable {
    let workers: DispatcherWorkers
    init(_ workers: DispatcherWorkers, deadline: Int64) {
      self.workers = workers
      super.init(deadline: deadline)
    }
    override func fire() { workers.tick() }
  }
}

/// Whether a tick of the workers beside the pool is ordered.
struct TickState: ~Copyable, Sendable {
  private let isOrdered = Atomic<Bool>(false)

  /// Notes that a tick is ordered. Returns whether the caller has to order it, because none was ordered before.
  func claim() -> Bool {
    if isOrdered.load(ordering: .sequentiallyConsistent) { return false }
    return !isOrdered.exchange(true, ordering: .sequentiallyConsistent)
  }
  /// Says that no tick is ordered any more. The tick calls this first.
  func done() { isOrdered.store(false, ordering: .sequentiallyConsistent) }
}
