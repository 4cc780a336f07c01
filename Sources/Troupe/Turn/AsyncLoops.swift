internal import CTroupeShims

/// The tasks, called loops, in which one worker runs asynchronous handlers. Only the worker's own thread uses this.
///
/// To make or to resume a task for each message would cost several hundred nanoseconds. A task that drains one cell
/// after the other, and awaits each handler inline, costs only the call. So a worker keeps parked tasks and hands a
/// cell to one of them, which then goes on with whatever asynchronous cell comes next. If a handler suspends, its task
/// belongs to the handler's cell until the handler ends, and another task takes over.
@usableFromInline package final class AsyncLoops {
  /// The loops that wait for a cell.
  @exclusivity(unchecked) private var parked: [AsyncLoop] = []
  /// Whether the next executor that becomes runnable on this thread is not scheduled, but kept in `captured`, to be run
  /// here and now.
  @exclusivity(unchecked) private var isCapturing = false
  @exclusivity(unchecked) private var captured: Unmanaged<LoopExecutor>?
  /// Whether loops end instead of parking.
  @exclusivity(unchecked) private var isEnded = false

  init() {}

  /// Takes an executor that has become runnable on this thread, if `resuming` waits for one. Returns whether it did.
  /// The one count that the executor has for being runnable is taken over.
  func capture(_ executor: Unmanaged<LoopExecutor>) -> Bool {
    guard isCapturing else { return false }
    isCapturing = false
    captured = executor
    return true
  }

  /// Calls `body`, which makes a task go on, and then runs that task at once. Without this the task would have to wait
  /// in the worker's queue.
  @inline(__always) func resuming(on worker: Worker, _ body: () -> Void) {
    isCapturing = true
    body()
    isCapturing = false
    if let executor = captured.take() { executor.takeRetainedValue().run(on: worker) }
  }

  /// Runs an asynchronous cell in a parked loop, or in a new one if none is parked. Returns when the loop parks, ends,
  /// or is suspended in a handler.
  func run(_ cell: Unmanaged<Cell>, on worker: Worker) {
    if let idle = parked.popLast() {
      resuming(on: worker) { idle.unpark(with: cell) }
    } else {
      resuming(on: worker) { AsyncLoop(cell, worker.scheduler).start() }
    }
  }

  /// Keeps a loop that is about to wait for a cell. Returns false if this worker keeps no loops any more, and then the
  /// loop has to end.
  func park(_ loop: AsyncLoop) -> Bool {
    if isEnded { return false }
    parked.append(loop)
    return true
  }

  /// Ends the parked loops, and those that would park from now on.
  func end(on worker: Worker) {
    isEnded = true
    while let loop = parked.popLast() { resuming(on: worker) { loop.unpark(with: nil) } }
  }
}

/// A task in which asynchronous handlers run. It is an actor of the language with an executor of its own. A handler
/// inherits its isolation, and so comes back to this executor from wherever it awaited something. A task executor
/// preference would do the same, but would cost a lock in the language's runtime at each return from a call.
///
/// A call of an asynchronous function takes memory from the task's stack, which costs 13 ns with giving it back. After
/// each call whose target the compiler does not know, such as a function value or a protocol's requirement, the runtime
/// is asked whether the task is where it belongs, which costs 8 ns. So the loop and `AsyncDrain.run` have no isolation
/// of their own, but that of their caller. One call drains one cell after the other as long as they are of one
/// `CellKind`. The executor has the worker in a field, so nobody looks for it in thread-local memory. And the reference
/// to the cell is moved out of a word and back, so it is not counted. A turn then costs about 5 ns more than that of a
/// synchronous behavior if the cell before was of the same kind (`actor.ring`), and about 45 ns if it was not
/// (`actor.pingpong`).
@usableFromInline package actor AsyncLoop {
  /// The next cell to run. It is touched by the worker that runs or parks the task, and passes to the next one with the
  /// task's job.
  private nonisolated(unsafe) var cell: Unmanaged<Cell>?
  @usableFromInline nonisolated let executor: LoopExecutor
  /// Where the task waits while it is parked.
  private nonisolated let parker = Parker()
  /// The task itself, for `cancel`. It is set when the task starts, before any cell runs in it.
  private nonisolated(unsafe) var task: Task<Void, Never>?
  /// Whether the task has been cancelled because its cell was stopped. It then ends with that cell's turn, since no
  /// other handler may run in a cancelled task. It is touched like `cell`.
  nonisolated(unsafe) var isCancelled = false
  /// The executor that the task prefers besides its own, which only a simulation has: see `Scheduler.loopPreference`.
  private nonisolated let preference: (any TaskExecutor)?
  /// Where `AsyncDrain.run` finds the cell in hand. It is one word, which the drain reads as a context and gives back
  /// without counting a reference.
  @usableFromInline nonisolated(unsafe) let slot = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8)

  init(_ cell: Unmanaged<Cell>, _ scheduler: any Scheduler) {
    self.cell = cell
    executor = LoopExecutor(scheduler, runsHandlers: true)
    preference = scheduler.loopPreference
    executor.loop = .passUnretained(self)
  }

  deinit { slot.deallocate() }

  /// The executor of this actor, which the language's runtime asks for.
  @usableFromInline package nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  /// Starts the task with the cell that was given to `init`. Called once, in `AsyncLoops.resuming`.
  nonisolated func start() {
    // Nothing runs on this actor yet, so isolation may be assumed. It makes the task inherit the isolation, so that the
    // task's first job comes to our executor.
    assumeIsolated { loop in loop.startTask() }
  }

  private func startTask() {
    // To pass nil as the preference is not the same as to pass none: with nil the runtime keeps a record all the same.
    task =
      if let preference {
        Task(executorPreference: preference) { await self.live() }
      } else {
        Task { await self.live() }
      }
  }

  /// Cancels the task. `HandlerState.cancel` calls this, on any thread, and makes sure that the loop still exists.
  nonisolated func cancel() { task?.cancel() }

  /// Has the parked task go on with a cell, or end if that is nil. The task's next job comes to `executor`.
  nonisolated func unpark(with cell: Unmanaged<Cell>?) {
    self.cell = cell
    parker.signal()
  }

  // The task calls this and not `run`, because a closure that is given a preference does not inherit the isolation.
  private func live() async { await run() }

  /// Runs cells until the worker keeps no loops any more or the task has been cancelled.
  ///
  /// It has the isolation of its caller, and so has all that it calls. If it had one of its own, the language's runtime
  /// would be asked for it after each call.
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
      // If a handler was suspended the thread may be another one now, so the task parks with the worker that it is on.
      guard executor.worker.unsafelyUnwrapped._withUnsafeGuaranteedRef({ $0.loops.park(self) }) else { return }
      await parker.wait()
      parker.reset()
    }
  }

  /// Makes the next cell the one in hand. Returns false if there is none.
  @inline(__always) private nonisolated func take() -> Bool {
    guard let cell = cell.take() else { return false }
    executor.cell = cell
    slot.storeBytes(of: cell, as: Unmanaged<Cell>.self)
    return true
  }

  /// The kind of the cell in hand. Cells of one kind run the same code, and one call can drain several of them.
  @usableFromInline nonisolated var kind: Unmanaged<CellKind>? {
    executor.cell.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.kind }
  }

  /// Called when the cell in hand has had its turn: asks the worker for the next one. Returns true if that is of the
  /// same kind, and then it is in hand. Otherwise `run` looks at it.
  @usableFromInline nonisolated func goesOn(_ kind: Unmanaged<CellKind>?) -> Bool {
    executor.cell = nil
    if isCancelled { return false }
    cell = executor.worker.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.nextAsync() }
    guard let cell, cell._withUnsafeGuaranteedRef({ $0.kind?.toOpaque() == kind?.toOpaque() }) else { return false }
    return take()
  }
}
