import Synchronization
import TroupeModel

@testable import Troupe

/// A line of what can run, and workers that are threads of the model. A wake-up that is lost leaves messages behind.
final class ModelScheduler: Scheduler, @unchecked Sendable {
  unowned(unsafe) var executor: WorkerExecutor!
  private let lock = FutexLock()
  private var line: [Runnable] = []
  private let length = TroupeModel.Atomic<Int>(0)
  private var workers: [Worker] = []
  private let posters: TroupeModel.Atomic<Int>

  init(workers count: Int, posters: Int) {
    self.posters = TroupeModel.Atomic(posters)
    workers = (0..<count).map { _ in Worker(self) }
  }

  var counts: [WorkerCounts] { workers.map(\.counts) }

  func schedule(_ runnable: Runnable) {
    lock.withLock {
      line.append(runnable)
      length.store(line.count, ordering: .releasing)
    }
  }
  func yield(_ runnable: Runnable, on worker: Worker) { schedule(runnable) }
  func nextRandom() -> UInt64 { 0 }
  var preciseNow: Int64 { 0 }
  var coarseNow: Int64 { 0 }
  var latestNow: Int64 { 0 }
  func deadline(after delay: Duration) -> Int64 { .max }
  func add(_ timer: Timer) {}
  func cancel(_ timer: Timer) {}
  func stop() { for worker in workers { worker.loops.end(on: worker) } }
  var runsEverything: Bool { true }

  private func step(_ worker: Worker) -> Bool {
    // To look changes nothing, so that two workers without work do not keep each other awake.
    if length.load(ordering: .acquiring) == 0 { return false }
    guard let next = lock.withLock({ take() }) else { return false }
    worker.asCurrent { worker.execute(next) }
    return true
  }

  private func take() -> Runnable? {
    guard !line.isEmpty else { return nil }
    length.store(line.count - 1, ordering: .releasing)
    return line.removeFirst()
  }

  /// Outside of the model's threads.
  func runAll() { while step(workers[0]) {} }

  func posterDone() { posters.wrappingSubtract(1, ordering: .acquiringAndReleasing) }

  /// A worker: runs what there is until nothing can come any more.
  func run(_ index: Int) {
    while true {
      let isOver = posters.load(ordering: .acquiring) == 0
      if step(workers[index]) { continue }
      if isOver { return }
      ModelSystem.pause()
    }
  }
}
