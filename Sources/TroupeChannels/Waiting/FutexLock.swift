internal import CTroupeShims
public import Synchronization

/// A lock for short slow paths. `Synchronization.Mutex` would do as well, but the thread sanitizer misreads its
/// contended path.
@usableFromInline package struct FutexLock: ~Copyable, Sendable {
  // The word is 0 when the lock is free, 1 when it is held, and 2 when it is held and somebody may sleep.
  @usableFromInline let word = Atomic<UInt32>(0)
  @inlinable package init() {}

  @inlinable package func lock() {
    // Acquiring: pairs with the releasing exchange in `unlock`.
    if !word.compareExchange(expected: 0, desired: 1, successOrdering: .acquiring, failureOrdering: .relaxed).exchanged
    {
      lockSlowly()
    }
  }

  @inlinable package func tryLock() -> Bool {
    word.compareExchange(
      expected: 0, desired: 1, successOrdering: .sequentiallyConsistent, failureOrdering: .sequentiallyConsistent
    )
    .exchanged
  }

  /// Unlocks for a caller that looks, after letting go, at what others left behind because they did not get the lock.
  /// Sequentially consistent, so that the look cannot move before the unlock.
  @inlinable package func unlockSequentially() {
    if word.exchange(0, ordering: .sequentiallyConsistent) == 2 { wakeOne() }
  }

  @inlinable package func unlock() {
    if word.exchange(0, ordering: .releasing) == 2 { wakeOne() }
  }

  @inlinable package func withLock<R: ~Copyable, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    lock()
    defer { unlock() }
    return try body()
  }

  @inline(never) @usableFromInline func lockSlowly() {
    for _ in 0..<64 {
      if word.load(ordering: .relaxed) == 0,
        word.compareExchange(expected: 0, desired: 1, successOrdering: .acquiring, failureOrdering: .relaxed).exchanged
      {
        return
      }
      troupe_cpu_pause()
    }
    while word.exchange(2, ordering: .acquiring) != 0 {
      _ = troupe_futex_wait(futexAddress, 2, -1)
    }
  }

  @inline(never) @usableFromInline func wakeOne() { troupe_futex_wake(futexAddress, 1) }

  /// The address that the kernel waits at. It is valid because an `Atomic` stays at one place for its whole life.
  var futexAddress: UnsafeMutablePointer<UInt32> {
    withUnsafePointer(to: word) { UnsafeMutableRawPointer(mutating: $0).assumingMemoryBound(to: UInt32.self) }
  }
}
