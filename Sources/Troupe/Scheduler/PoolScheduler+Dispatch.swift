internal import CTroupeShims
import Dispatch

// The only file of the runtime that knows Dispatch.
extension PoolScheduler {
  /// Never more than one block at a time in a worker's serial queue, so a block a run, and none a message.
  func start(_ worker: PoolWorker) {
    worker.dispatchQueue.async { [self] in
      withExtendedLifetime(self) { worker.runUntilNothingIsLeft() }
    }
  }

  func run(on worker: PoolWorker, _ body: @escaping @Sendable () -> Void) {
    worker.dispatchQueue.async(execute: body)
  }

  func armTick(after nanoseconds: Int) {
    PoolScheduler.clockQueue.asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { [self] in tick() }
  }

  /// For reports, whose log and listener may take their time.
  func report(_ body: @escaping @Sendable () -> Void) {
    PoolScheduler.reportQueue.async(execute: body)
  }
  private static let reportQueue = DispatchQueue(label: "troupe.watchdog", qos: .userInitiated)

  static func trimLater(_ depot: CellDepot) {
    reportQueue.asyncAfter(deadline: .now() + .seconds(1)) { depot.trim() }
  }

  /// Ticks of all pools; what runs here is short.
  private static let clockQueue = DispatchQueue(label: "troupe.clock", qos: .userInitiated)
}

typealias WorkerQueue = DispatchQueue

extension PoolWorker {
  static func makeQueue(_ index: Int) -> DispatchQueue {
    DispatchQueue(label: "troupe.worker.\(index)", qos: .userInitiated)
  }
}
