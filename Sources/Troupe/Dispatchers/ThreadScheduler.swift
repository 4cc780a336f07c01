internal import CTroupeShims

/// Threads on which handlers may block: those of `Dispatcher.blocking`, or the one of a pinned actor.
///
/// What becomes runnable goes to a thread that waits, else to a new one, else, if there are as many as may
/// be, into a line that those look at when they have finished. Each step is under the lock, so nothing is
/// left behind.
///
/// Sendable because what changes is under the lock.
final class ThreadScheduler: DispatcherScheduler, @unchecked Sendable {
  private let lock = FutexLock()
  private let limit: Int
  /// How long a thread waits for work before it ends; nil: until `stop`.
  private let patience: Duration?
  private let endsWithCell: Bool
  // Under the lock.
  private var line = RunnableQueue()
  private var waiting: [ThreadWorker] = []
  private var threads = 0
  /// Threads without work end at once. What comes all the same is run.
  private var isStopped = false

  /// For actors that block.
  init(_ workers: DispatcherWorkers, limit: Int, patience: Duration) {
    self.limit = limit
    self.patience = patience
    endsWithCell = false
    super.init(workers)
  }

  /// For one pinned actor.
  init(pinned workers: DispatcherWorkers) {
    limit = 1
    patience = nil
    endsWithCell = true
    super.init(workers)
  }

  override func schedule(_ runnable: Runnable) {
    lock.lock()
    if let worker = waiting.popLast() {
      worker.handed = runnable
      lock.unlock()
      worker.parker.signal()
    } else if threads < limit {
      threads += 1
      lock.unlock()
      startThread(runnable)
    } else {
      line.append(runnable)
      lock.unlock()
    }
  }

  /// The thread that says so looks at the line next.
  override func yield(_ cell: Cell, on worker: Worker) { lock.withLock { line.append(Runnable(cell)) } }

  override func leave() { if endsWithCell { stop() } }

  override func stop() {
    let released = lock.withLock { () -> [ThreadWorker] in
      isStopped = true
      let released = waiting
      waiting = []
      return released
    }
    for worker in released { worker.parker.signal() }
  }

  // MARK: Threads

  private func startThread(_ first: Runnable) {
    let worker = ThreadWorker(self, first)
    workers.add(worker, isThread: true)
    let error = troupe_thread_start(
      { opaque in
        guard let opaque else { return }
        Unmanaged<ThreadWorker>.fromOpaque(opaque).takeRetainedValue().main()
      }, Unmanaged.passRetained(worker).toOpaque())
    if error == 0 { return }
    Unmanaged.passUnretained(worker).release()
    workers.remove(worker, isThread: true)
    let isServed = lock.withLock { () -> Bool in
      threads -= 1
      line.append(first)
      return threads > 0
    }
    guard isServed else { fatalError("Troupe: no thread could be started for a dispatcher: error \(error)") }
  }

  /// The whole life of a thread.
  fileprivate func run(_ worker: ThreadWorker) {
    worker.asCurrent {
      while let runnable = next(for: worker) { worker.run(runnable, in: workers) }
      worker.loops.end(on: worker)
    }
    workers.remove(worker, isThread: true)
  }

  /// What the thread runs next; nil when it shall end. Waits.
  private func next(for worker: ThreadWorker) -> Runnable? {
    while true {
      if let handed = worker.handed.take() { return handed }
      lock.lock()
      if let runnable = line.popFirst() {
        lock.unlock()
        return runnable
      }
      if isStopped {
        threads -= 1
        lock.unlock()
        return nil
      }
      worker.parker.reset()
      waiting.append(worker)
      lock.unlock()
      let deadline = patience.map { Deadline(after: $0) } ?? .never
      if worker.parker.wait(until: deadline, spinning: false, call: "dispatcher") { continue }
      if giveUp(worker) { return nil }
      // Somebody has taken this thread out of those that wait, and is about to signal.
      _ = worker.parker.wait(until: .never, call: "dispatcher")
    }
  }

  /// False if there is something to do after all.
  private func giveUp(_ worker: ThreadWorker) -> Bool {
    lock.withLock {
      guard let index = waiting.firstIndex(where: { $0 === worker }) else { return false }
      waiting.remove(at: index)
      threads -= 1
      return true
    }
  }
}

/// One thread.
final class ThreadWorker: DispatcherWorker, @unchecked Sendable {
  let parker = Parker()
  /// Written by whoever took this worker out of those that wait, before the signal.
  @exclusivity(unchecked) fileprivate var handed: Runnable?
  private let owner: ThreadScheduler

  fileprivate init(_ owner: ThreadScheduler, _ first: Runnable) {
    self.owner = owner
    handed = first
    super.init(owner, mayBlock: true)
  }

  fileprivate func main() { owner.run(self) }
}
