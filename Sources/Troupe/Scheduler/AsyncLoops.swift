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

  @usableFromInline func run(_ cell: Cell, on worker: Worker) {
    isCapturing = true
    if let loop = parked.popLast() {
      loop.resume(with: cell)
    } else {
      AsyncLoop.start(with: cell, on: worker.scheduler.executor)
    }
    isCapturing = false
    if let job = captured.take() { worker.run(job) }
  }

  func park(_ loop: AsyncLoop) { parked.append(loop) }

  /// Ends the parked tasks.
  func end(on worker: Worker) {
    while let loop = parked.popLast() {
      isCapturing = true
      loop.resume(with: nil)
      isCapturing = false
      if let job = captured.take() { worker.run(job) }
    }
  }
}

/// One such task.
///
/// Sendable because it is touched by the worker that runs or parks it, and passes between workers with its job.
final class AsyncLoop: @unchecked Sendable {
  @exclusivity(unchecked) private var cell: Cell?
  @exclusivity(unchecked) private var continuation: UnsafeContinuation<Void, Never>?

  private init(_ cell: Cell) { self.cell = cell }

  static func start(with cell: Cell, on executor: WorkerExecutor) {
    let loop = AsyncLoop(cell)
    Task<Void, Never>(executorPreference: executor) { await loop.run() }
  }

  func resume(with cell: Cell?) {
    self.cell = cell
    continuation.take()?.resume()
  }

  private func run() async {
    while var cell = cell.take() {
      while true {
        guard case .async(let drain) = cell.body else { break }
        await drain(cell)
        guard let next = Worker.current?.nextAsync() else { break }
        cell = next
      }
      // The thread may be another one since the handler suspended: the task parks with the worker that it is on.
      guard Worker.current != nil else { return }
      await withUnsafeContinuation { continuation in
        self.continuation = continuation
        Worker.current?.loops.park(self)
      }
    }
  }
}
