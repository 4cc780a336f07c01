import Synchronization

/// Which loop runs an asynchronous cell, so that stopping the actor can cancel the task in which its handler waits.
///
/// 0: none; the bits of a loop; 1: its task has been cancelled; 2: that is being done. The loop stays until it has taken its bits
/// back, which waits for 2 to become 1, so whoever cancels it finds it alive.
struct HandlerState: ~Copyable, Sendable {
  private let word = Atomic<UInt>(0)
  private static var cancelled: UInt { 1 }
  private static var cancelling: UInt { 2 }

  /// Releasing: pairs with the acquiring exchange in `cancel`.
  func enter(_ loop: AsyncLoop) {
    word.store(UInt(bitPattern: Unmanaged.passUnretained(loop).toOpaque()), ordering: .releasing)
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

  /// From any thread.
  func cancel() {
    let bits = word.load(ordering: .relaxed)
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
  @usableFromInline func enterHandler(_ loop: AsyncLoop) { handler.enter(loop) }

  /// True if the loop's task has been cancelled: nothing but the cell's turn may go on in it.
  @usableFromInline func leaveHandler(_ loop: AsyncLoop) -> Bool {
    guard handler.leave(loop) else { return false }
    loop.isCancelled = true
    return true
  }
}
