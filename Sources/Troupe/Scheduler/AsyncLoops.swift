internal import CTroupeShims

/// The tasks in which a worker runs asynchronous handlers.
///
/// A task that is made or resumed for each message costs several hundred nanoseconds; one that drains cell after cell and
/// awaits each handler inline costs the call. So a worker keeps parked tasks, hands a cell to one, and the task goes on with
/// whatever asynchronous cell comes next. If a handler really suspends, the task belongs to its cell until the handler
/// ends, and another one takes over.
@usableFromInline package final class AsyncLoops {
  @exclusivity(unchecked) private var parked: [AsyncLoop] = []
  /// The executor that the next enqueue on this thread makes runnable is ours to run, here and now.
  @exclusivity(unchecked) private var isCapturing = false
  @exclusivity(unchecked) private var captured: Unmanaged<LoopExecutor>?
  @exclusivity(unchecked) private var isEnded = false

  init() {}

  func capture(_ executor: Unmanaged<LoopExecutor>) -> Bool {
    guard isCapturing else { return false }
    isCapturing = false
    captured = executor
    return true
  }

  /// Does what makes a task go on, then lets it.
  @inline(__always) func resuming(on worker: Worker, _ body: () -> Void) {
    isCapturing = true
    body()
    isCapturing = false
    if let executor = captured.take() { executor.takeRetainedValue().run(on: worker) }
  }

  func run(_ cell: Unmanaged<Cell>, on worker: Worker) {
    if let idle = parked.popLast() {
      resuming(on: worker) { idle.unpark(with: cell) }
    } else {
      resuming(on: worker) { AsyncLoop(cell, worker.scheduler).start() }
    }
  }

  /// False when the worker keeps no tasks any more: the task ends.
  func park(_ loop: AsyncLoop) -> Bool {
    if isEnded { return false }
    parked.append(loop)
    return true
  }

  /// Ends the parked tasks, and those that would park from now on.
  func end(on worker: Worker) {
    isEnded = true
    while let loop = parked.popLast() { resuming(on: worker) { loop.unpark(with: nil) } }
  }
}

/// One such task: an actor that is its own executor, so that a handler that inherits its isolation comes back here from
/// wherever it awaited. A task executor preference would do the same, and costs a lock in the language's runtime at each
/// return from a call.
@usableFromInline package actor AsyncLoop {
  // Touched by the worker that runs or parks the task, and handed on with its job.
  private nonisolated(unsafe) var cell: Unmanaged<Cell>?
  @usableFromInline nonisolated let executor: LoopExecutor
  private nonisolated let parker = Parker()
  // Set when the task starts, before any cell runs in it.
  private nonisolated(unsafe) var task: Task<Void, Never>?
  /// Its cell has been stopped: the task ends with that cell's turn. Touched like `cell`.
  nonisolated(unsafe) var isCancelled = false
  private nonisolated let preference: (any TaskExecutor)?
  /// Where the reference to a cell becomes one that is not counted.
  private nonisolated(unsafe) let slot = UnsafeMutablePointer<Cell>.allocate(capacity: 1)

  init(_ cell: Unmanaged<Cell>, _ scheduler: any Scheduler) {
    self.cell = cell
    executor = LoopExecutor(scheduler, runsHandlers: true)
    preference = scheduler.loopPreference
    executor.loop = .passUnretained(self)
  }

  deinit { slot.deallocate() }

  /// Its own.
  @usableFromInline package nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  nonisolated func start() {
    // Nothing runs yet; isolation is assumed so that the task's first job comes to our executor.
    assumeIsolated { loop in loop.startTask() }
  }

  private func startTask() {
    // No preference is not the same as nil: with nil the runtime keeps a record all the same.
    task =
      if let preference {
        Task(executorPreference: preference) { await self.run() }
      } else {
        Task { await self.run() }
      }
  }

  nonisolated func cancel() { task?.cancel() }

  /// Sets the parked task going: its next job comes to `executor`.
  nonisolated func unpark(with cell: Unmanaged<Cell>?) {
    self.cell = cell
    parker.signal()
  }

  // Isolated by its caller, as all that it calls: an isolation of its own would be looked at after each call.
  nonisolated(nonsending) private func run() async {
    defer { task = nil }
    while var cell = cell.take() {
      while true {
        executor.cell = cell
        // Not counted: the turn is the cell's own, and when it is over the cell may have gone.
        UnsafeMutableRawPointer(slot).storeBytes(of: cell, as: Unmanaged<Cell>.self)
        let held = slot.move()
        if case .async(let drain) = held.body { await drain(held, self) }
        slot.initialize(to: held)
        executor.cell = nil
        if isCancelled { return }
        guard let next = executor.worker.unsafelyUnwrapped._withUnsafeGuaranteedRef({ $0.nextAsync() }) else { break }
        cell = next
      }
      // The thread may be another one since the handler suspended: the task parks with the worker that it is on.
      guard executor.worker.unsafelyUnwrapped._withUnsafeGuaranteedRef({ $0.loops.park(self) }) else { return }
      await parker.wait()
      parker.reset()
    }
  }
}
