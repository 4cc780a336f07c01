/// Runs the turns and the handlers of one interleaving actor, which calls this its lane. Each of them is a task that is
/// isolated to this actor of the language, whose executor runs on the system's workers. So only one of them runs at a
/// time, and what they touch of the cell needs no lock.
@usableFromInline package actor InterleavingExecutor {
  private nonisolated let executor: LoopExecutor
  /// The executor that the tasks prefer besides, which only a simulation has: see `Scheduler.loopPreference`.
  private nonisolated let preference: (any TaskExecutor)?
  /// How many handlers may be under way at a time.
  private let limit: Int
  private typealias Body = (isolated InterleavingExecutor) async -> Void
  /// The tasks of the handlers and hooks that have not ended, by their number.
  private var underWay: [UInt64: Task<Void, Never>] = [:]
  /// How many handlers and hooks have been begun so far.
  private var begun: UInt64 = 0
  /// The handlers that have a task and have not begun. Whichever task runs first takes the first of them, so that
  /// handlers begin in the order of their messages.
  private var waiting: [Body] = []
  /// Whether a hook runs beside which nothing else may run.
  private var isAlone = false
  /// Whether the last hook of this incarnation has begun.
  private var hasStopped = false
  /// Whether the cell has been suspended in its tail word, so that messages do not wake it and only its control lane
  /// does.
  @usableFromInline var isResting = false

  init(_ scheduler: any Scheduler, limit: Int) {
    executor = LoopExecutor(scheduler, runsHandlers: true)
    preference = scheduler.loopPreference
    self.limit = limit
  }

  /// The executor of this actor, which the language's runtime asks for.
  @usableFromInline package nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  /// Starts a task that runs a turn of the cell. Any thread may call this.
  nonisolated func schedule(_ cell: Cell) {
    // The cell need not be retained: its table holds it until it has ended, and it ends only in a turn.
    let turn = Unmanaged.passUnretained(cell)
    assumeIsolated { lane in
      _ = lane.makeTask { turn.takeUnretainedValue().runInterleaved(on: $0) }
    }
  }

  private func makeTask(_ body: @escaping (isolated InterleavingExecutor) async -> Void) -> Task<Void, Never> {
    // The body runs on this actor, like the code that made it, so it is not sent anywhere.
    nonisolated(unsafe) let body = body
    return if let preference {
      Task(executorPreference: preference) { await body(self) }
    } else {
      Task { await body(self) }
    }
  }

  // MARK: Within a turn

  /// Whether no further handler may begin now.
  @usableFromInline var isFull: Bool { isAlone || underWay.count >= limit }
  /// Whether no handler and no hook is under way.
  @usableFromInline var isQuiet: Bool { underWay.isEmpty }

  /// Begins a handler in a task of its own, or a hook beside which nothing else may run.
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

  /// Called when a handler or a hook has ended: wakes the cell if something waits for that.
  private func ended(_ number: UInt64, _ cell: Cell) {
    let wasFull = isFull
    underWay[number] = nil
    isAlone = false
    if wasFull || cell.needsTurn { cell.post(ControlWord.handlerEnded) }
  }

  /// Cancels the handlers that are under way, oldest first, because the incarnation ends. Its last hook is not
  /// cancelled.
  @usableFromInline func cancelAll() {
    if hasStopped { return }
    for (_, task) in underWay.sorted(by: { $0.key < $1.key }) { task.cancel() }
  }

  /// Returns whether the last hook still has to run. This is true at the first call of each incarnation.
  @usableFromInline func takeStopping() -> Bool {
    defer { hasStopped = true }
    return !hasStopped
  }
  /// Called when another incarnation will begin.
  @usableFromInline func reset() { hasStopped = false }
}

/// The scheduler of one interleaving cell. It has the cell's lane run each of its turns.
///
/// Sendable because its only property is a constant.
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
      fatalError(
        "Troupe: the executor of an interleaving actor was given a cell of another kind. This is a bug in Troupe.")
    }
    run(self, lane)
  }

  /// Whether something other than the next message may wait for the end of a handler.
  fileprivate var needsTurn: Bool {
    life.phase != .running || mailbox.control.isPending || isDraining || endsUnreferenced
  }
}
