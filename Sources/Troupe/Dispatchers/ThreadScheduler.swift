internal import CTroupeShims

/// Threads on which handlers may block: either those of `Dispatcher.blocking`, or the one of a pinned actor.
///
/// What becomes runnable goes to a thread that waits. If none waits a new thread is started for it. If there are as
/// many threads as there may be, it goes into a line, and each thread looks at the line before it waits. All these
/// steps are under the lock, so no runnable is left behind.
///
/// Sendable because what changes is under the lock.
final class ThreadScheduler: DispatcherScheduler, @unchecked Sendable {
  private let lock = FutexLock()
  /// How many threads there may be at a time.
  private let limit: Int
  /// How long a thread waits for work before it ends. If it is nil the thread waits until `stop`.
  private let patience: Duration?
  /// Whether the thread ends with the one cell that lives here.
  private let endsWithCell: Bool
  // The following are touched under the lock.
  /// What has become runnable and has no thread.
  private var line = RunnableQueue()
  /// The threads that wait for work. The one that began to wait last is taken first, so that the others may end.
  private var waiting: [ThreadWorker] = []
  /// How many threads there are, waiting or not.
  private var threads = 0
  /// Whether threads that have no work end at once. What becomes runnable all the same is still run.
  private var isStopped = false

  /// Makes the scheduler of `Dispatcher.blocking`, which has no thread yet.
  init(_ workers: DispatcherWorkers, limit: Int, patience: Duration) {
    self.limit = limit
    self.patience = patience
    endsWithCell = false
    super.init(workers)
  }

  /// Makes the scheduler of one pinned actor. Its thread starts with the actor's first turn.
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

  /// Puts the cell at the end of the line. The caller's thread looks at the line next, so no thread needs to be woken.
  override func yield(_ runnable: Runnable, on worker: Worker) { lock.withLock { line.append(runnable) } }

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

  /// Starts a thread, which runs `first` before anything else. If the system has no thread, `first` goes into the line
  /// of the threads that there are; if there are none, the program stops.
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
    guard isServed else {
      fatalError(
        "Troupe: could not start a thread for a blocking or pinned actor (error \(error)), and its "
          + "dispatcher has no other thread that could run it")
    }
  }

  /// The body of a thread.
  fileprivate func run(_ worker: ThreadWorker) {
    worker.asCurrent {
      while let runnable = next(for: worker) { worker.run(runnable, in: workers) }
      worker.loops.end(on: worker)
    }
    workers.remove(worker, isThread: true)
  }

  /// Returns what the thread runs next, and waits for it if there is nothing. Returns nil when the thread has to end.
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
      // The wait was too long, but somebody has taken this thread out of those that wait meanwhile, and is about to
      // signal it.
      _ = worker.parker.wait(until: .never, call: "dispatcher")
    }
  }

  /// Takes a thread that has waited for too long out of those that wait, so that it may end. Returns false if somebody
  /// else has taken it out already, to give it something to do or because of `stop`.
  private func giveUp(_ worker: ThreadWorker) -> Bool {
    lock.withLock {
      guard let index = waiting.firstIndex(where: { $0 === worker }) else { return false }
      waiting.remove(at: index)
      threads -= 1
      return true
    }
  }
}

/// The worker that one thread of a `ThreadScheduler` is, for as long as the thread lives.
///
/// Sendable because `handed` is written before the parker's signal, and read by the thread after it.
final class ThreadWorker: DispatcherWorker, @unchecked Sendable {
  /// Where the thread waits for work.
  let parker = Parker()
  /// What the thread runs next. Whoever took the worker out of those that wait writes this, before the signal.
  @exclusivity(unchecked) fileprivate var handed: Runnable?
  private let owner: ThreadScheduler

  fileprivate init(_ owner: ThreadScheduler, _ first: Runnable) {
    self.owner = owner
    handed = first
    super.init(owner, mayBlock: true)
  }

  fileprivate func main() { owner.run(self) }
}
