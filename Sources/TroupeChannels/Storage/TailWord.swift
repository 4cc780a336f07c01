/// The one word that decides: the index of the next free slot, and the bits that every sender has to see in the same step.
///
/// ```
/// unbounded   63 ……………………… 8  7 … 0        bounded   63 ……… 26  25 ……… 8  7 … 0
///             index          bits                  index      permits    bits
/// ```
/// A bounded index wraps at 2^38; slots are found by its low bits and room by the wrapped difference, so the wrap is not
/// an event. Who changes what, and which step each pairs with, is listed in `MessageQueue`.
@usableFromInline package enum TailWord {
  /// No new element and no new permit. Permits that are out may still be used.
  @usableFromInline package static let closed: UInt = 1 << 0
  /// The consumer found nothing to do and left. Whoever clears this bit, and no other, must wake it.
  @usableFromInline package static let idle: UInt = 1 << 1
  /// A control message waits; only cells use it.
  @usableFromInline package static let control: UInt = 1 << 2
  /// The consumer wants no elements for now: senders do not wake it.
  @usableFromInline package static let suspended: UInt = 1 << 3
  /// The tail lies in the slots inside the queue's own memory, not in a block.
  @usableFromInline package static let inline: UInt = 1 << 4
  /// A sender has reserved the last slot of a block and is about to publish the next one.
  @usableFromInline package static let installing: UInt = 1 << 5
  /// The receiver is gone: permits cannot be used any more either.
  @usableFromInline package static let gone: UInt = 1 << 6

  @usableFromInline package static let shift: UInt = 8
  /// One slot of an unbounded queue.
  @usableFromInline package static let one: UInt = 1 << 8

  @usableFromInline package static let permitBits: UInt = 18
  @usableFromInline package static let permit: UInt = 1 << 8
  @usableFromInline package static let maximumPermits = (1 << 18) - 1
  @usableFromInline package static let boundedShift: UInt = 26
  /// One slot of a bounded queue.
  @usableFromInline package static let boundedOne: UInt = 1 << 26
  @usableFromInline package static let boundedIndexMask: UInt = (1 << 38) - 1

  @inlinable package static func permits(_ word: UInt) -> UInt { (word >> shift) & ((1 << permitBits) - 1) }
}
