internal import CTroupeShims
import Dispatch

/// What the pool asks of Dispatch: threads for its workers, a clock for its ticks, and a queue for reports. The files
/// whose name ends in `+Dispatch` are the only ones of the runtime that know Dispatch. Under the model checker
/// `Model/PoolScheduler+Model.swift` takes the place of this one.
extension PoolScheduler {
  /// Gives a thread to a worker that was idle, which whoever calls this has claimed (`PoolState.claimIdle`). So there
  /// is never more than one such block in a worker's serial queue, and a block runs until the worker idles again: no
  /// message costs a block.
  func start(_ worker: PoolWorker) {
    worker.dispatchQueue.async { [self] in
      withExtendedLifetime(self) { worker.runUntilNothingIsLeft() }
    }
  }

  /// Runs `body` on the worker's queue, between two runs of the worker.
  func run(on worker: PoolWorker, _ body: @escaping @Sendable () -> Void) {
    worker.dispatchQueue.async(execute: body)
  }

  func armTick(after nanoseconds: Int) {
    PoolScheduler.clockQueue.asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { [self] in tick() }
  }

  /// Runs `body`, which makes a report of the watchdog, on a queue of its own, because the log and the listener may
  /// take long. The queue is serial, so they hear of one report at a time.
  func report(_ body: @escaping @Sendable () -> Void) {
    PoolScheduler.reportQueue.async(execute: body)
  }
  private static let reportQueue = DispatchQueue(label: "troupe.watchdog", qos: .userInitiated)

  /// Trims the depot one second from now.
  static func trimLater(_ depot: CellDepot) {
    reportQueue.asyncAfter(deadline: .now() + .seconds(1)) { depot.trim() }
  }

  /// The queue on which the ticks of all pools of the process run. Whatever runs here must be short.
  private static let clockQueue = DispatchQueue(label: "troupe.clock", qos: .userInitiated)
}

/// The type of queue that gives a worker its thread. Other files use this name, so that they need not import Dispatch.
typealias WorkerQueue = DispatchQueue

extension PoolWorker {
  static func makeQueue(_ index: Int) -> DispatchQueue {
    DispatchQueue(label: "troupe.worker.\(index)", qos: .userInitiated)
  }
}
