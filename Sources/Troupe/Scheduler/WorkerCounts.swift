public import Synchronization

/// The figures of one worker, which the worker writes and anyone may read. To change one takes a relaxed load and a
/// relaxed store instead of a read-modify-write, since nobody else writes it.
@usableFromInline package final class WorkerCounts: Sendable {
  /// The number of messages whose handler returned, but for those that it stashed or that were stale.
  @usableFromInline let handled = Atomic<Int>(0)
  /// The number of messages whose handler threw.
  @usableFromInline let failed = Atomic<Int>(0)

  /// The number of failures of actors. It includes those of hooks and factories, which have no message.
  let failures = Atomic<Int>(0)
  let restarts = Atomic<Int>(0)

  @usableFromInline init() {}

  func addFailure() { failures.store(failures.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
  func addRestart() { restarts.store(restarts.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }

  /// Adds the figures of another worker. Only whoever writes these figures may call this.
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
