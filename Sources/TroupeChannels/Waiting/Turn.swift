internal import CTroupeShims

/// Lets others have a turn, because what a task waits for may be about to be done on this very thread. To be resumed after
/// a turn costs a fraction of being woken, and needs neither a timer nor a cancellation handler.
@usableFromInline package enum TaskTurn {
  @usableFromInline package static var isOnWorker: Bool { troupe_current_worker() != nil }

  /// Suspends for a turn. On a worker that is until something else has run there; elsewhere it is `Task.yield`.
  @usableFromInline nonisolated(nonsending) package static func give() async {
    guard isOnWorker else { return await Task.yield() }
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
      if !troupe_wait_a_turn(unsafeBitCast(continuation, to: UnsafeMutableRawPointer.self)) { continuation.resume() }
    }
  }
}
