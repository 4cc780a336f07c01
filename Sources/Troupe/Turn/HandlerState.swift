import Synchronization

/// Which loop runs an asynchronous cell whose handler has been suspended, so that stopping the actor can
/// cancel the task in which it waits. Until the first suspension of a turn nothing is noted: most turns have
/// none.
///
/// 0: none; the bits of a loop; 1: its task has been cancelled; 2: that is being done. The loop stays until
/// it has taken its bits back, which waits for 2 to become 1, so whoever cancels it finds it alive.
struct HandlerState: ~Copyable, Sendable {
  private let word = Atomic<UInt>(0)
  private static var cancelled: UInt { 1 }
  private static var cancelling: UInt { 2 }

  /// An exchange, as is the first step of `cancel`, so that one of the two sees the other: this releases the
  /// loop to `cancel`, or acquires the bit of the control lane that was posted before it.
  func enter(_ loop: Unmanaged<AsyncLoop>) {
    _ = word.exchange(UInt(bitPattern: loop.toOpaque()), ordering: .acquiringAndReleasing)
  }

  /// True if the task has been cancelled meanwhile.
  func leave(_ loop: AsyncLoop) -> Bool {
    let bits = UInt(bitPattern: Unmanaged.passUnretained(loop).toOpaque())
    var backoff = Backoff()
    while true {
      let (exchanged, seen) = word.compareExchange(expected: bits, desired: 0, ordering: .acquiringAndReleasing)
      if exchanged || seen == 0 { return false }
      if seen == Self.cancelled {
        word.store(0, ordering: .relaxed)
        return true
      }
      backoff.snooze()
    }
  }

  /// From any thread, after `ControlWord.cancel` has been posted.
  func cancel() {
    // Changes nothing; pairs with `enter`.
    let bits = word.bitwiseOr(0, ordering: .acquiringAndReleasing).oldValue
    guard bits > Self.cancelling,
      word.compareExchange(expected: bits, desired: Self.cancelling, ordering: .acquiringAndReleasing).exchanged
    else { return }
    if let pointer = UnsafeRawPointer(bitPattern: bits) {
      Unmanaged<AsyncLoop>.fromOpaque(pointer)._withUnsafeGuaranteedRef { $0.cancel() }
    }
    word.store(Self.cancelled, ordering: .releasing)
  }
}

extension Cell {
  /// Between two jobs of the loop: the handler has been suspended.
  func noteHandler(_ loop: Unmanaged<AsyncLoop>) {
    handler.enter(loop)
    // Whoever asked for it in the handler's first part found nobody to cancel.
    if mailbox.control.hasCancel { handler.cancel() }
  }

  /// True if the loop's task has been cancelled: nothing but the cell's turn may go on in it.
  @usableFromInline func leaveHandler(_ loop: AsyncLoop) -> Bool {
    loop.executor.isNoted = false
    guard handler.leave(loop) else { return false }
    loop.isCancelled = true
    return true
  }
}
