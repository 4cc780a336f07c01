import Synchronization

/// Envelopes on their way to an actor: a stack that anyone pushes to.
struct EnvelopeStack: ~Copyable, Sendable {
  /// 0, or the bits of the last envelope; when closed, 1 with the bits of what was linked, which is a multiple of two.
  private let top = Atomic<UInt>(0)
  private static var closed: UInt { 1 }

  /// False if it is closed. Whoever pushed tells the cell.
  func push(_ envelope: Envelope) -> Bool {
    var bits = top.load(ordering: .relaxed)
    let pushed = Unmanaged.passRetained(envelope)
    while bits & Self.closed == 0 {
      envelope.next = UnsafeRawPointer(bitPattern: bits).map { Unmanaged.fromOpaque($0) }
      // Releasing: publishes the envelope. Pairs with the exchanges below.
      let (exchanged, seen) = top.weakCompareExchange(
        expected: bits, desired: UInt(bitPattern: pushed.toOpaque()), successOrdering: .releasing,
        failureOrdering: .relaxed)
      if exchanged { return true }
      bits = seen
    }
    pushed.release()
    return false
  }

  /// What has been pushed, the last first.
  func take() -> Unmanaged<Envelope>? {
    UnsafeRawPointer(bitPattern: top.exchange(0, ordering: .acquiring)).map { .fromOpaque($0) }
  }
  /// Makes the stack ready for the cell's next actor. Nobody else may have the cell.
  func reset() { top.store(0, ordering: .relaxed) }
  func close() -> Unmanaged<Envelope>? {
    let bits = top.exchange(Self.closed, ordering: .acquiring)
    return bits & Self.closed != 0 ? nil : UnsafeRawPointer(bitPattern: bits).map { .fromOpaque($0) }
  }

  /// Uses the word of a cell that has ended as the link in the stack of ended children. The word is closed, so a push
  /// does not change it any more. Relaxed: the stack publishes it.
  func link(_ bits: UInt) { top.store(bits | Self.closed, ordering: .relaxed) }
  var link: UInt {
    let bits = top.load(ordering: .relaxed)
    assert(bits & Self.closed != 0)
    return bits & ~Self.closed
  }
}
