internal import CTroupeShims

/// The tasks in which a worker runs asynchronous handlers.
///
/// A task that is made or resumed for each message costs several hundred nanoseconds; one that drains cell after cell and
/// awaits each handler inline costs the call. So a worker keeps parked tasks, hands a cell to one, and the task goes on with
/// whatever asynchronous cell comes next. If a handler really suspends, the task belongs to its cell until the handler
/// ends, and another one takes over.
@usableFromInline package final class AsyncLoops {
  @exclusivity(unchecked) private var parked: [AsyncLoop] = []
  /// The job that the next enqueue on this thread brings is ours to run, here and now.
  @exclusivity(unchecked) private var isCapturing = false
  @exclusivity(unchecked) private var captured: UnownedJob?

  init() {}

  func capture(_ job: UnownedJob) -> Bool {
    guard isCapturing else { return false }
    isCapturing = false
    captured = job
    return true
  }

  func run(_ cell: Cell, on worker: Worker) {
    let loop: AsyncLoop
    isCapturing = true
    if let idle = parked.popLast() {
      loop = idle
      loop.resume(with: cell)
    } else {
      loop = AsyncLoop(cell, worker.scheduler)
      loop.start()
    }
    isCapturing = false
    if let job = captured.take() { worker.run(job, of: loop) }
  }

  func park(_ loop: AsyncLoop) { parked.append(loop) }

  /// Ends the parked tasks.
  func end(on worker: Worker) {
    while let loop = parked.popLast() {
      isCapturing = true
      loop.resume(with: nil)
      isCapturing = false
      if let job = captured.take() { worker.run(job, of: loop) }
    }
  }
}

/// One such task: an actor that is its own executor, so that a handler that inherits its isolation comes back here from
/// wherever it awaited. A task executor preference would do the same, and costs a lock in the language's runtime at each
/// return from a call.
@usableFromInline package actor AsyncLoop {
  // Touched by the worker that runs or parks the task, and handed on with its job.
  private nonisolated(unsafe) var cell: Cell?
  private nonisolated(unsafe) var continuation: UnsafeContinuation<Void, Never>?
  nonisolated let executor: LoopExecutor

  init(_ cell: Cell, _ scheduler: any Scheduler) {
    self.cell = cell
    executor = LoopExecutor(scheduler)
  }

  /// Its own.
  @usableFromInline package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  nonisolated func start() {
    // Nothing runs yet; isolation is assumed so that the task's first job comes to our executor.
    assumeIsolated { loop in loop.startTask() }
  }

  private func startTask() { Task { await self.run() } }

  nonisolated func resume(with cell: Cell?) {
    self.cell = cell
    continuation.take()?.resume()
  }

  private func run() async {
    while var cell = cell.take() {
      while true {
        guard case .async(let drain) = cell.body else { break }
        await drain(cell, self)
        guard let next = Worker.withCurrent({ $0.nextAsync() }) ?? nil else { break }
        cell = next
      }
      // The thread may be another one since the handler suspended: the task parks with the worker that it is on.
      guard troupe_current_worker() != nil else { return }
      await withUnsafeContinuation { continuation in
        self.continuation = continuation
        _ = Worker.withCurrent { $0.loops.park(self) }
      }
    }
  }
}

/// Brings the jobs of one loop back to the workers. There is one at a time, since a loop is one task.
///
/// Sendable because the job is handed over with the loop, through a run queue.
@usableFromInline package final class LoopExecutor: SerialExecutor, @unchecked Sendable {
  private let scheduler: any Scheduler
  @exclusivity(unchecked) private var job: UnownedJob?

  init(_ scheduler: any Scheduler) { self.scheduler = scheduler }

  @usableFromInline package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if Worker.withCurrent({ $0.loops.capture(job) }) == true { return }
    self.job = job
    // The queue's hold; `run` lets it go.
    scheduler.schedule(Runnable(Unmanaged.passRetained(self)))
  }

  func run() {
    if let job = job.take() { job.runSynchronously(on: asUnownedSerialExecutor()) }
  }

  @usableFromInline package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  // What runs a loop's jobs is a loop's executor by construction.
  @usableFromInline package func checkIsolated() {}
}
