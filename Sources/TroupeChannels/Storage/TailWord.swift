/// The one word that decides what happens to a queue: the index of the next free slot, and the bits that every sender
/// has to see in the same step.
///
/// ```
/// unbounded   63 ……………………… 8  7 … 0        bounded   63 ……… 26  25 ……… 8  7 … 0
///             index          bits                  index      permits    bits
/// ```
/// The index counts slots and not elements, and it only grows. At the end of a block, and when the queue returns to its
/// inline slots, it jumps to the next multiple of the block's capacity. The index of a bounded queue wraps at 2^38.
/// Slots are found by the low bits of the index and room by the wrapped difference, so nothing special happens at the
/// wrap. `MessageQueue` lists the steps on this word, and which step each of them pairs with.
@usableFromInline package enum TailWord {
  /// Neither a new element nor a new permit is accepted. Permits that were taken before may still be used.
  ///
  /// The receiver sets it when it closes the channel or goes, and the last sender when it goes. An actor's cell sets it
  /// when it begins to stop, drains, or is refused. Nobody clears it.
  @usableFromInline package static let closed: UInt = 1 << 0
  /// The consumer found nothing to do and left. Whoever clears this bit must wake it, and nobody else does.
  ///
  /// The consumer sets it, in `MessageQueue.idle`. A push clears it, and so do `Cell.post`, a close, and the last
  /// permit that is given back to a closed channel. A thread or a task that has waited clears it itself (`unidle`), if
  /// nobody else has.
  @usableFromInline package static let idle: UInt = 1 << 1
  /// A control message waits. Only the cells of actors use this bit. `Cell.post` sets it, and the cell clears it in
  /// `takeControl`.
  @usableFromInline package static let control: UInt = 1 << 2
  /// The consumer wants no elements for now, so senders do not wake it. Only the cells of actors use this bit. The cell
  /// sets it when it begins to stop or to restart, or is suspended, and clears it when the next incarnation is about to
  /// start or when it is resumed.
  @usableFromInline package static let suspended: UInt = 1 << 3
  /// The tail lies in the slots inside the queue's own memory, not in a block. A queue begins so, and `idle` sets the
  /// bit again. The push that takes the last of these slots clears it.
  @usableFromInline package static let inline: UInt = 1 << 4
  /// A sender has reserved the last slot of a block and is about to publish the next block. That sender sets the bit
  /// and clears it. Other senders wait meanwhile, which takes three stores, unless that sender loses its processor in
  /// between. There is no other wait in a push.
  @usableFromInline package static let installing: UInt = 1 << 5
  /// The receiver is gone, or the actor has ended, so that permits cannot be used any more either. Nobody clears it.
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
