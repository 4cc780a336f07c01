import Synchronization

/// Says which loop runs an asynchronous cell whose handler has been suspended. Whoever stops the actor cancels that
/// loop's task, in which the handler waits. Nothing is noted before the first suspension of a turn, and most turns have
/// none. So a handler is cancelled at its first suspension at the earliest. A handler that stops its own actor, by
/// `context.stop()`, is not cancelled.
///
/// The word is 0 if no loop is noted, or the bits of the loop; 2 while somebody cancels the loop's task, and 1 after
/// that. A loop does not end before it has taken its bits back (`leave`), and if it finds 2 it waits for 1. So whoever
/// cancels a loop finds it alive.
struct HandlerState: ~Copyable, Sendable {
  private let word = Atomic<UInt>(0)
  private static var cancelled: UInt { 1 }
  private static var cancelling: UInt { 2 }

  /// Notes the loop. Its worker calls this when a handler has been suspended, between two jobs of the loop.
  ///
  /// Both this step and the first of `cancel` are read-modify-writes on the same word, so one comes after the other.
  /// Either `cancel` finds the loop, which this step releases to it; or this step acquires what came before `cancel`,
  /// and the caller then finds the bit that was posted on the control lane.
  func enter(_ loop: Unmanaged<AsyncLoop>) {
    _ = word.exchange(UInt(bitPattern: loop.toOpaque()), ordering: .acquiringAndReleasing)
  }

  /// Takes the loop's note back, before the loop goes on with another cell or ends. Returns whether its task has been
  /// cancelled meanwhile. If that is being done at the moment, waits until it has been done.
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

  /// Cancels the task of the loop that is noted, if one is. Any thread may call this after it has posted
  /// `ControlWord.cancel`.
  func cancel() {
    // This changes nothing, but it is a read-modify-write, which pairs with the one in `enter`.
    let bits = word.bitwiseOr(0, ordering: .acquiringAndReleasing).oldValue
    guard bits > Self.cancelling,
      word.compareExchange(expected: bits, desired: Self.cancelling, ordering: .acquiringAndReleasing).exchanged
    else { return }
    if let pointer = UnsafeRawPointer(bitPattern: bits) {
      Unmanaged<AsyncLoop>.fromOpaque(pointer)._withUnsafeGuaranteedRef { $0.cancel() }
    }
    // Releasing: the loop may end after it has seen this. Pairs with the compare-exchange in `leave`.
    word.store(Self.cancelled, ordering: .releasing)
  }
}

extension Cell {
  /// Called by the loop's worker between two jobs of the loop, when the handler has been suspended.
  func noteHandler(_ loop: Unmanaged<AsyncLoop>) {
    handler.enter(loop)
    // Whoever stopped the actor before this found no loop to cancel, so it is cancelled here.
    if mailbox.control.hasCancel { handler.cancel() }
  }

  /// Takes the loop's note back. Returns whether the loop's task has been cancelled, and then nothing but the rest of
  /// the cell's turn may run in it. Called in the loop.
  @usableFromInline func leaveHandler(_ loop: AsyncLoop) -> Bool {
    loop.executor.isNoted = false
    guard handler.leave(loop) else { return false }
    loop.isCancelled = true
    return true
  }
}
