import Dispatch
import TroupeModel

// In place of `PoolScheduler+Dispatch.swift`: what Dispatch does is done by threads of the scenario.
extension PoolScheduler {
  /// The worker's thread makes one run more, as a serial queue does with a block. Outside of a scenario's
  /// threads it waits for `settle`.
  func start(_ worker: PoolWorker) {
    if ModelSystem.isInside { ModelSystem.start(worker.index) } else { ModelPool.started.append(worker) }
  }

  func run(on worker: PoolWorker, _ body: @escaping @Sendable () -> Void) { body() }

  /// Does nothing where the scenario has no thread for it: then all must go well without the tick.
  func armTick(after nanoseconds: Int) {
    guard let thread = ModelPool.tickThread else { return }
    ModelPool.ticks += 1
    ModelPool.mostTicks = max(ModelPool.mostTicks, ModelPool.ticks)
    ModelSystem.start(thread)
  }

  /// No time passes.
  static func trimLater(_ depot: CellDepot) {}

  func report(_ body: @escaping @Sendable () -> Void) { body() }
}

typealias WorkerQueue = DispatchQueue

extension PoolWorker {
  /// Whether it says that it has no thread: a look that the pool would not make.
  var isIdle: Bool {
    guard let pool = scheduler as? PoolScheduler else { return false }
    return ModelSystem.quietly { pool.state.isIdle(index) }
  }

  static func makeQueue(_ index: Int) -> DispatchQueue { ModelPool.queue }
}

/// What a scenario with a pool has to know and to say. Worker *i* is thread *i* of the scenario, which rests
/// until it is started.
enum ModelPool {
  /// That of the tick, if there is one.
  nonisolated(unsafe) static var tickThread: Int?
  /// Ticks that are ordered and have not come, now and at the most.
  nonisolated(unsafe) static var ticks = 0
  nonisolated(unsafe) static var mostTicks = 0
  /// A worker was started while it said that it idles.
  nonisolated(unsafe) static var startsIdle = false
  nonisolated(unsafe) fileprivate static var started: [PoolWorker] = []
  /// Nothing ever runs on it.
  fileprivate static let queue = DispatchQueue(label: "troupe.model")

  /// The life of a worker's thread.
  static func serve(_ worker: PoolWorker) {
    while ModelSystem.rest() {
      // Whoever starts it has taken its bit, and it has not been back since.
      if worker.isIdle { startsIdle = true }
      worker.runUntilNothingIsLeft()
    }
  }

  /// The life of the thread of the tick. The first `early` ticks may come at any moment, the others when
  /// nobody else can go on.
  static func tick(_ pool: PoolScheduler, early: Int) {
    var left = early
    while ModelSystem.rest() {
      ModelSystem.waitForTime(mayBeEarly: left > 0)
      left -= 1
      ticks -= 1
      pool.tick()
    }
  }

  /// Before the scenario's threads: those that were started so far start with it.
  static func begin() {
    for worker in started { ModelSystem.start(worker.index) }
    started = []
  }

  /// Before or after the scenario's threads: runs what there is.
  static func settle() {
    while let worker = started.popLast() { worker.runUntilNothingIsLeft() }
  }
}
