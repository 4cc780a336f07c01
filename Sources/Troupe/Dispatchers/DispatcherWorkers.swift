import Synchronization

/// The workers beside the pool of one system: what they have handled, and their tick.
///
/// Sendable because what changes is under the lock or atomic.
final class DispatcherWorkers: @unchecked Sendable {
  let base: any Scheduler
  private let lock = FutexLock()
  private var living: [DispatcherWorker] = []
  /// Of those that are gone.
  private let past = WorkerCounts()
  private var threads = 0
  private let tickState = TickState()

  init(_ base: any Scheduler) { self.base = base }

  func add(_ worker: DispatcherWorker, isThread: Bool) {
    lock.withLock {
      living.append(worker)
      if isThread { threads += 1 }
    }
  }

  /// Keeps the figures of a worker that goes.
  func remove(_ worker: DispatcherWorker, isThread: Bool) {
    lock.withLock {
      living.removeAll { $0 === worker }
      past.add(worker.counts)
      if isThread { threads -= 1 }
    }
  }

  /// What all of them, also those that are gone, have done.
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

  /// Ticks tell a turn that it has lasted long. They come while a turn is young: one that blocks for an hour
  /// needs no more.
  func armTick() {
    if tickState.claim() { base.add(Tick(self, deadline: base.deadline(after: .milliseconds(5)))) }
  }

  private func tick() {
    // First this, then the look: a turn that begins meanwhile is seen here, or sees that no tick is ordered.
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

/// Whether a tick is ordered.
struct TickState: ~Copyable, Sendable {
  private let isOrdered = Atomic<Bool>(false)

  func claim() -> Bool {
    if isOrdered.load(ordering: .sequentiallyConsistent) { return false }
    return !isOrdered.exchange(true, ordering: .sequentiallyConsistent)
  }
  func done() { isOrdered.store(false, ordering: .sequentiallyConsistent) }
}
