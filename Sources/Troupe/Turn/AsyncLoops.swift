internal import CTroupeShims

/// The tasks in which a worker runs asynchronous handlers.
///
/// A task that is made or resumed for each message costs several hundred nanoseconds; one that drains cell
/// after cell and awaits each handler inline costs the call. So a worker keeps parked tasks, hands a cell to
/// one, and the task goes on with whatever asynchronous cell comes next. If a handler really suspends, the
/// task belongs to its cell until the handler ends, and another one takes over.
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

/// One such task: an actor that is its own executor, so that a handler that inherits its isolation comes back
/// here from wherever it awaited. A task executor preference would do the same, and costs a lock in the
/// language's runtime at each return from a call.
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
  /// Where the drain finds its cell, in the place of a context: one word, and not counted.
  @usableFromInline nonisolated(unsafe) let slot = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8)

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
        Task(executorPreference: preference) { await self.live() }
      } else {
        Task { await self.live() }
      }
  }

  nonisolated func cancel() { task?.cancel() }

  /// Sets the parked task going: its next job comes to `executor`.
  nonisolated func unpark(with cell: Unmanaged<Cell>?) {
    self.cell = cell
    parker.signal()
  }

  // A closure that is given a preference does not inherit the isolation.
  private func live() async { await run() }

  // Isolated by its caller, as all that it calls: an isolation of its own would be looked at after each call.
  nonisolated(nonsending) private func run() async {
    defer { task = nil }
    while take() {
      repeat {
        guard
          case .async(let drain) = executor.cell.unsafelyUnwrapped._withUnsafeGuaranteedRef({ $0.withKind { $0.body } })
        else {
          break
        }
        await drain(self)
        if isCancelled { return }
      } while take()
      // The thread may be another one since the handler suspended: the task parks with the worker that it is on.
      guard executor.worker.unsafelyUnwrapped._withUnsafeGuaranteedRef({ $0.loops.park(self) }) else { return }
      await parker.wait()
      parker.reset()
    }
  }

  /// Makes the cell that the loop was given, or came upon, the one in hand.
  @inline(__always) private nonisolated func take() -> Bool {
    guard let cell = cell.take() else { return false }
    executor.cell = cell
    slot.storeBytes(of: cell, as: Unmanaged<Cell>.self)
    return true
  }

  /// Which code the cell in hand runs: cells of one kind may be drained by one call.
  @usableFromInline nonisolated var kind: Unmanaged<CellKind>? {
    executor.cell.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.kind }
  }

  /// The cell in hand has had its turn. True if the next one runs the same code, and is in hand now.
  @usableFromInline nonisolated func goesOn(_ kind: Unmanaged<CellKind>?) -> Bool {
    executor.cell = nil
    if isCancelled { return false }
    cell = executor.worker.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.nextAsync() }
    guard let cell, cell._withUnsafeGuaranteedRef({ $0.kind?.toOpaque() == kind?.toOpaque() }) else { return false }
    return take()
  }
}
