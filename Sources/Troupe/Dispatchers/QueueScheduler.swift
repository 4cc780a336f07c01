/// Runs turns as blocks on a Dispatch queue that somebody else made.
///
/// Sendable because what changes is under a lock, its own or that of `Dispatchers`.
final class QueueScheduler: DispatcherScheduler, @unchecked Sendable {
  let queue: WorkerQueue
  private let lock = FutexLock()
  /// Workers without a block. On a serial queue there is never more than one.
  private var free: [DispatcherWorker] = []
  /// Cells that live here. Under the lock of `Dispatchers`.
  var cells = 0

  init(_ workers: DispatcherWorkers, queue: WorkerQueue) {
    self.queue = queue
    super.init(workers)
  }

  // Blocks hold the scheduler: none is left.
  deinit { for worker in free { workers.remove(worker, isThread: false) } }

  override func schedule(_ runnable: Runnable) { enqueue(runnable) }

  /// A block.
  func run(_ runnable: Runnable) {
    let worker = lock.withLock { free.popLast() } ?? makeWorker()
    worker.asCurrent { worker.run(runnable, in: workers) }
    lock.withLock { free.append(worker) }
  }

  private func makeWorker() -> DispatcherWorker {
    let worker = DispatcherWorker(self)
    // Keeps no parked tasks: nobody would end them with the system.
    worker.loops.end(on: worker)
    workers.add(worker, isThread: false)
    return worker
  }
}
