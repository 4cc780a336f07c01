/// The schedulers of one system beside its pool. Each is made when an actor first asks for it.
///
/// Sendable because what changes is under the lock.
final class Dispatchers: @unchecked Sendable {
  let workers: DispatcherWorkers
  /// How many threads `Dispatcher.blocking` may have, and after how long without work each of them ends.
  private let threadLimit: Int
  private let patience: Duration
  private let lock = FutexLock()
  private var blocking: ThreadScheduler?
  /// The schedulers of queues on which an actor lives, by the identity of the queue.
  private var queues: [ObjectIdentifier: QueueScheduler] = [:]
  private var isStopped = false

  init(_ base: any Scheduler, threadLimit: Int, patience: Duration) {
    workers = DispatcherWorkers(base)
    self.threadLimit = threadLimit
    self.patience = patience
  }

  /// Returns the scheduler for a new cell, or nil if the cell runs on the pool. The cell must call `leaveDispatcher`
  /// when it has ended.
  func enter(_ dispatcher: Dispatcher) -> DispatcherScheduler? {
    if case .lane(let limit) = dispatcher.kind { return InterleavingScheduler(workers, limit: limit) }
    if workers.base.runsEverything { return nil }
    switch dispatcher.kind {
    case .pool, .lane: return nil
    case .pinned: return ThreadScheduler(pinned: workers)
    case .blocking: return lock.withLock { blockingScheduler() }
    case .queue(let queue):
      return lock.withLock {
        let id = ObjectIdentifier(queue)
        let scheduler = queues[id] ?? QueueScheduler(workers, queue: queue)
        scheduler.cells += 1
        queues[id] = scheduler
        return scheduler
      }
    }
  }

  /// Called when a cell of this scheduler has ended. A queue without cells is let go of.
  func leave(_ scheduler: DispatcherScheduler) {
    guard let scheduler = scheduler as? QueueScheduler else { return scheduler.leave() }
    // The scheduler is returned, so that it is released outside of the lock: its deinit takes another lock.
    let last = lock.withLock { () -> QueueScheduler? in
      scheduler.cells -= 1
      return scheduler.cells == 0 ? queues.removeValue(forKey: ObjectIdentifier(scheduler.queue)) : nil
    }
    _ = last
  }

  /// Called under the lock.
  private func blockingScheduler() -> ThreadScheduler {
    if let blocking { return blocking }
    let made = ThreadScheduler(workers, limit: threadLimit, patience: patience)
    if isStopped { made.stop() }
    blocking = made
    return made
  }

  /// Called when every actor has ended: the threads of `Dispatcher.blocking` end as well.
  func stop() {
    let blocking = lock.withLock {
      isStopped = true
      return self.blocking
    }
    blocking?.stop()
  }
}

extension Cell {
  /// Called once when the cell has ended or was refused.
  func leaveDispatcher() { if let dispatcher { system.dispatchers.leave(dispatcher) } }
}

extension Dispatcher {
  /// Returns the scheduler for a new cell in this place, or nil if the cell runs on the pool.
  func enter(_ place: TreePosition) -> DispatcherScheduler? {
    if case .pool = kind { return nil }
    return place.withTable { $0.system }.dispatchers.enter(self)
  }
}

extension ActorSystem {
  /// The number of threads of its own that this system has beside the pool.
  package var dispatcherThreads: Int { core.dispatchers.workers.threadCount }
}
