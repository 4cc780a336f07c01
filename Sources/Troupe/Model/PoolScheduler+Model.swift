import Dispatch
import TroupeModel

/// Takes the place of `PoolScheduler+Dispatch.swift` under the model checker. Threads of the scenario do what Dispatch
/// does otherwise.
extension PoolScheduler {
  /// Has the worker's thread make one more run, as a serial queue does with a block. If the caller is none of the
  /// scenario's threads, the run waits for `ModelPool.settle` or `ModelPool.begin`.
  func start(_ worker: PoolWorker) {
    if ModelSystem.isInside { ModelSystem.start(worker.index) } else { ModelPool.started.append(worker) }
  }

  func run(on worker: PoolWorker, _ body: @escaping @Sendable () -> Void) { body() }

  /// Orders a tick. Does nothing if the scenario has no thread for ticks: then everything must go well without them.
  func armTick(after nanoseconds: Int) {
    guard let thread = ModelPool.tickThread else { return }
    ModelPool.ticks += 1
    ModelPool.mostTicks = max(ModelPool.mostTicks, ModelPool.ticks)
    ModelSystem.start(thread)
  }

  /// Does nothing, because no time passes.
  static func trimLater(_ depot: CellDepot) {}

  func report(_ body: @escaping @Sendable () -> Void) { body() }
}

typealias WorkerQueue = DispatchQueue

extension PoolWorker {
  /// Whether the worker says that it has no thread. The pool itself would not look, so the checker does not count this
  /// as a step.
  var isIdle: Bool {
    guard let pool = scheduler as? PoolScheduler else { return false }
    return ModelSystem.quietly { pool.state.isIdle(index) }
  }

  static func makeQueue(_ index: Int) -> DispatchQueue { ModelPool.queue }
}

/// What a scenario with a pool sets and asks. Worker *i* is thread *i* of the scenario, which rests until it is
/// started.
enum ModelPool {
  /// The number of the thread that makes the ticks, if the scenario has one.
  nonisolated(unsafe) static var tickThread: Int?
  /// The number of ticks that are ordered and have not come.
  nonisolated(unsafe) static var ticks = 0
  /// The largest value that `ticks` has had, which must not be more than 1.
  nonisolated(unsafe) static var mostTicks = 0
  /// Whether a worker was started while it said that it was idle, which must not happen.
  nonisolated(unsafe) static var startsIdle = false
  nonisolated(unsafe) fileprivate static var started: [PoolWorker] = []
  /// The queue that every worker is given. Nothing ever runs on it.
  fileprivate static let queue = DispatchQueue(label: "troupe.model")

  /// The body of a worker's thread.
  static func serve(_ worker: PoolWorker) {
    while ModelSystem.rest() {
      // Whoever started the worker has cleared its bit, and the worker has not set it since.
      if worker.isIdle { startsIdle = true }
      worker.runUntilNothingIsLeft()
    }
  }

  /// The body of the thread that makes the ticks. The first `early` ticks may come at any moment, and the others only
  /// when no other thread can go on.
  static func tick(_ pool: PoolScheduler, early: Int) {
    var left = early
    while ModelSystem.rest() {
      ModelSystem.waitForTime(mayBeEarly: left > 0)
      left -= 1
      ticks -= 1
      pool.tick()
    }
  }

  /// Called just before the scenario's threads begin: the workers that were started so far run in their threads.
  static func begin() {
    for worker in started { ModelSystem.start(worker.index) }
    started = []
  }

  /// Called before or after the scenario's threads run: runs the workers that were started, on the calling thread.
  static func settle() {
    while let worker = started.popLast() { worker.runUntilNothingIsLeft() }
  }
}
