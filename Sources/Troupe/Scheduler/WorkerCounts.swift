public import Synchronization

/// Figures that one worker writes and anyone reads. A load and a store each, since there is one writer.
@usableFromInline package final class WorkerCounts: Sendable {
  @usableFromInline let handled = Atomic<Int>(0)
  @usableFromInline let failed = Atomic<Int>(0)

  let failures = Atomic<Int>(0)
  let restarts = Atomic<Int>(0)

  @usableFromInline init() {}

  func addFailure() { failures.store(failures.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
  func addRestart() { restarts.store(restarts.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }

  /// Adds another's figures. For the one that writes these.
  func add(_ other: WorkerCounts) {
    addHandled(other.handled.load(ordering: .relaxed))
    failed.store(failed.load(ordering: .relaxed) &+ other.failed.load(ordering: .relaxed), ordering: .relaxed)
    failures.store(failures.load(ordering: .relaxed) &+ other.failures.load(ordering: .relaxed), ordering: .relaxed)
    restarts.store(restarts.load(ordering: .relaxed) &+ other.restarts.load(ordering: .relaxed), ordering: .relaxed)
  }

  @inlinable func addHandled(_ count: Int) {
    handled.store(handled.load(ordering: .relaxed) &+ count, ordering: .relaxed)
  }
  @inlinable func addFailed() { failed.store(failed.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
}
