/// Where the turns and the handlers of one interleaving actor run: each is a task of this actor, whose
/// executor is the system's workers. So one of them has the cell at a time, and what they touch of it needs
/// no lock.
@usableFromInline package actor InterleavingExecutor {
  private nonisolated let executor: LoopExecutor
  private nonisolated let preference: (any TaskExecutor)?
  private let limit: Int
  private typealias Body = (isolated InterleavingExecutor) async -> Void
  /// The tasks of handlers that have not ended; hooks too.
  private var underWay: [UInt64: Task<Void, Never>] = [:]
  private var begun: UInt64 = 0
  /// Handlers that have a task and have not begun: whichever task comes first takes the first.
  private var waiting: [Body] = []
  /// A hook runs, and nothing beside it.
  private var isAlone = false
  /// The incarnation's last hook has begun.
  private var hasStopped = false
  /// The queue has been left as one that takes no messages.
  @usableFromInline var isResting = false

  init(_ scheduler: any Scheduler, limit: Int) {
    executor = LoopExecutor(scheduler, runsHandlers: true)
    preference = scheduler.loopPreference
    self.limit = limit
  }

  /// Its own.
  @usableFromInline package nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  /// Runs a turn of the cell. From any thread.
  nonisolated func schedule(_ cell: Cell) {
    // The cell holds itself until it has ended, which is in a turn.
    let turn = Unmanaged.passUnretained(cell)
    assumeIsolated { lane in
      _ = lane.makeTask { turn.takeUnretainedValue().runInterleaved(on: $0) }
    }
  }

  private func makeTask(_ body: @escaping (isolated InterleavingExecutor) async -> Void) -> Task<Void, Never> {
    // It runs on this actor, like what made it.
    nonisolated(unsafe) let body = body
    return if let preference {
      Task(executorPreference: preference) { await body(self) }
    } else {
      Task { await body(self) }
    }
  }

  // MARK: Within a turn

  /// No further handler may begin now.
  @usableFromInline var isFull: Bool { isAlone || underWay.count >= limit }
  @usableFromInline var isQuiet: Bool { underWay.isEmpty }

  /// Begins a handler, or a hook that runs alone.
  @usableFromInline func begin(
    _ cell: Cell, alone: Bool = false, _ body: @escaping (isolated InterleavingExecutor) async -> Void
  ) {
    begun += 1
    let number = begun
    isAlone = alone
    waiting.append(body)
    underWay[number] = makeTask { lane in
      await lane.waiting.removeFirst()(lane)
      lane.ended(number, cell)
    }
  }

  private func ended(_ number: UInt64, _ cell: Cell) {
    let wasFull = isFull
    underWay[number] = nil
    isAlone = false
    if wasFull || cell.needsTurn { cell.post(ControlWord.handlerEnded) }
  }

  /// The incarnation ends: its handlers are to end. Not its last hook.
  @usableFromInline func cancelAll() {
    if hasStopped { return }
    for (_, task) in underWay.sorted(by: { $0.key < $1.key }) { task.cancel() }
  }

  /// True once an incarnation.
  @usableFromInline func takeStopping() -> Bool {
    defer { hasStopped = true }
    return !hasStopped
  }
  @usableFromInline func reset() { hasStopped = false }
}

/// Gives the turns of one cell to its lane.
final class InterleavingScheduler: DispatcherScheduler, @unchecked Sendable {
  private let lane: InterleavingExecutor

  init(_ workers: DispatcherWorkers, limit: Int) {
    lane = InterleavingExecutor(workers.base, limit: limit)
    super.init(workers)
  }

  override func schedule(_ runnable: Runnable) { runnable.cell._withUnsafeGuaranteedRef { lane.schedule($0) } }
}

extension Cell {
  fileprivate func runInterleaved(on lane: isolated InterleavingExecutor) {
    guard case .interleaved(let run) = withKind({ $0.body }) else {
      fatalError("Troupe: a lane runs a cell of another kind")
    }
    run(self, lane)
  }

  /// A handler has ended, and something else may wait for that.
  fileprivate var needsTurn: Bool {
    life.phase != .running || mailbox.control.isPending || isDraining || endsUnreferenced
  }
}
