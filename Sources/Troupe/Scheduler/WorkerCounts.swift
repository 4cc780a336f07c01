public import Synchronization

/// Figures that one worker writes and anyone reads. A load and a store each, since there is one writer.
@usableFromInline package final class WorkerCounts: Sendable {
  @usableFromInline let handled = Atomic<Int>(0)
  @usableFromInline let failed = Atomic<Int>(0)

  @inlinable init() {}

  @inlinable func addHandled(_ count: Int) {
    handled.store(handled.load(ordering: .relaxed) &+ count, ordering: .relaxed)
  }
  @inlinable func addFailed() { failed.store(failed.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
}
