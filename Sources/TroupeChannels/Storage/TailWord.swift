/// The one word that decides what happens to a queue: the index of the next free slot, and the bits that every sender
/// has to see in the same step.
///
/// ```
/// unbounded   63 ……………………… 8  7 … 0        bounded   63 ……… 26  25 ……… 8  7 … 0
///             index          bits                  index      permits    bits
/// ```
/// The index of a bounded queue wraps at 2^38. Slots are found by the low bits of the index and room by the wrapped
/// difference, so nothing special happens at the wrap. `MessageQueue` lists who changes which part, and which step
/// each change pairs with.
@usableFromInline package enum TailWord {
  /// Neither a new element nor a new permit is accepted. Permits that were taken before may still be used.
  @usableFromInline package static let closed: UInt = 1 << 0
  /// The consumer found nothing to do and left. Whoever clears this bit must wake it, and nobody else does.
  @usableFromInline package static let idle: UInt = 1 << 1
  /// A control message waits. Only the cells of actors use this bit.
  @usableFromInline package static let control: UInt = 1 << 2
  /// The consumer wants no elements for now, so senders do not wake it.
  @usableFromInline package static let suspended: UInt = 1 << 3
  /// The tail lies in the slots inside the queue's own memory, not in a block.
  @usableFromInline package static let inline: UInt = 1 << 4
  /// A sender has reserved the last slot of a block and is about to publish the next block.
  @usableFromInline package static let installing: UInt = 1 << 5
  /// The receiver is gone, so that permits cannot be used any more either.
  @usableFromInline package static let gone: UInt = 1 << 6

  @usableFromInline package static let shift: UInt = 8
  /// What to add to the word for one slot of an unbounded queue.
  @usableFromInline package static let one: UInt = 1 << 8

  @usableFromInline package static let permitBits: UInt = 18
  @usableFromInline package static let permit: UInt = 1 << 8
  @usableFromInline package static let maximumPermits = (1 << 18) - 1
  @usableFromInline package static let boundedShift: UInt = 26
  /// What to add to the word for one slot of a bounded queue.
  @usableFromInline package static let boundedOne: UInt = 1 << 26
  @usableFromInline package static let boundedIndexMask: UInt = (1 << 38) - 1

  @inlinable package static func permits(_ word: UInt) -> UInt { (word >> shift) & ((1 << permitBits) - 1) }
}
