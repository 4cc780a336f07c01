/// Runs turns as blocks on a Dispatch queue that the user made. `Dispatchers` makes one for each queue on which an
/// actor lives.
///
/// Sendable because what changes is under a lock, its own or that of `Dispatchers`.
final class QueueScheduler: DispatcherScheduler, @unchecked Sendable {
  let queue: WorkerQueue
  private let lock = FutexLock()
  /// The workers that run no block now. On a serial queue there is never more than one worker.
  private var free: [DispatcherWorker] = []
  /// How many cells live here. It is touched under the lock of `Dispatchers`.
  var cells = 0

  init(_ workers: DispatcherWorkers, queue: WorkerQueue) {
    self.queue = queue
    super.init(workers)
  }

  // Every block holds the scheduler, so none is left now, and all workers are free.
  deinit { for worker in free { workers.remove(worker, isThread: false) } }

  override func schedule(_ runnable: Runnable) { enqueue(runnable) }

  /// The body of a block on the queue: runs one runnable, as a worker that is free.
  func run(_ runnable: Runnable) {
    let worker = lock.withLock { free.popLast() } ?? makeWorker()
    worker.asCurrent { worker.run(runnable, in: workers) }
    lock.withLock { free.append(worker) }
  }

  private func makeWorker() -> DispatcherWorker {
    let worker = DispatcherWorker(self)
    // The worker keeps no parked loops, because nobody would end them when the system stops.
    worker.loops.end(on: worker)
    workers.add(worker, isThread: false)
    return worker
  }
}
