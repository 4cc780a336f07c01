/// The schedulers of one system beside its pool, made when they are first asked for.
///
/// Sendable because what changes is under the lock.
final class Dispatchers: @unchecked Sendable {
  let workers: DispatcherWorkers
  private let threadLimit: Int
  private let patience: Duration
  private let lock = FutexLock()
  private var blocking: ThreadScheduler?
  /// Those with living cells, by the identity of their queue.
  private var queues: [ObjectIdentifier: QueueScheduler] = [:]
  private var isStopped = false

  init(_ base: any Scheduler, threadLimit: Int, patience: Duration) {
    workers = DispatcherWorkers(base)
    self.threadLimit = threadLimit
    self.patience = patience
  }

  /// For a new cell, which must `leave` when it ends. Nil: the pool.
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

  func leave(_ scheduler: DispatcherScheduler) {
    guard let scheduler = scheduler as? QueueScheduler else { return scheduler.leave() }
    // What goes goes outside of the lock.
    let last = lock.withLock { () -> QueueScheduler? in
      scheduler.cells -= 1
      return scheduler.cells == 0 ? queues.removeValue(forKey: ObjectIdentifier(scheduler.queue)) : nil
    }
    _ = last
  }

  private func blockingScheduler() -> ThreadScheduler {
    if let blocking { return blocking }
    let made = ThreadScheduler(workers, limit: threadLimit, patience: patience)
    if isStopped { made.stop() }
    blocking = made
    return made
  }

  /// Every actor has ended: so will the threads.
  func stop() {
    let blocking = lock.withLock {
      isStopped = true
      return self.blocking
    }
    blocking?.stop()
  }
}

extension Cell {
  /// The cell has ended, or never lived.
  func leaveDispatcher() { if let dispatcher { system.dispatchers.leave(dispatcher) } }
}

extension Dispatcher {
  /// Nil: the pool.
  func enter(_ place: TreePosition) -> DispatcherScheduler? {
    if case .pool = kind { return nil }
    return place.withTable { $0.system }.dispatchers.enter(self)
  }
}

extension ActorSystem {
  /// Threads of its own that this system has beside the pool.
  package var dispatcherThreads: Int { core.dispatchers.workers.threadCount }
}
