public import Synchronization

/// The words of a queue, at the start of its raw memory. What senders write and what the consumer writes lie on
/// different cache lines; in between lie the fields that nobody writes.
@usableFromInline package struct QueueState: ~Copyable {
  // Written by senders.
  /// See `TailWord`.
  @usableFromInline package let tail: Atomic<UInt>
  /// The block that the tail lies in. Valid for the index that was read before it, if the step on `tail` succeeds.
  @usableFromInline package let tailBlock: Atomic<UInt>
  /// A drained block that the consumer left for the next sender that needs one, or 0.
  @usableFromInline package let spare: Atomic<UInt>
  /// Bounded: the consumer's index as some sender saw it last.
  @usableFromInline package let headCache: Atomic<UInt>

  // Written by nobody.
  /// The inline segment, or the ring.
  @usableFromInline package let base: UnsafeMutableRawPointer
  /// 0 when unbounded.
  @usableFromInline package let capacity: UInt
  /// Slots of the ring, less one.
  @usableFromInline package let ringMask: UInt
  @usableFromInline package let padding: InlineArray<2, UInt>

  // Written by the consumer.
  /// Index of the next element to take; times two, with `HeadWord.roomWanted` (bounded) or `HeadWord.inline` below.
  @usableFromInline package let head: Atomic<UInt>
  @usableFromInline package var headIndex: UInt
  @usableFromInline package var segment: UnsafeMutableRawPointer
  @usableFromInline package var elements: UnsafeMutableRawPointer
  @usableFromInline package var offset: Int
  @usableFromInline package var limit: Int
  /// The flag value that means "written": 1, or alternately 1 and 2 in a ring.
  @usableFromInline package var written: UInt8
  @usableFromInline package var isInline: Bool
  /// The last take saw that a sender waits for room: the caller has to hand it out.
  @usableFromInline package var roomWanted: Bool

  @inlinable package init(
    base: UnsafeMutableRawPointer, elements: UnsafeMutableRawPointer, limit: Int, capacity: UInt, tail word: UInt
  ) {
    tail = Atomic(word)
    tailBlock = Atomic(0)
    spare = Atomic(0)
    headCache = Atomic(0)
    self.base = base
    self.capacity = capacity
    ringMask = capacity == 0 ? 0 : UInt(limit - 1)
    padding = InlineArray(repeating: 0)
    head = Atomic(capacity == 0 ? HeadWord.inline : 0)
    headIndex = 0
    segment = base
    self.elements = elements
    offset = 0
    self.limit = limit
    written = 1
    isInline = capacity == 0
    roomWanted = false
  }
}

/// The bit below the consumer's published index.
@usableFromInline package enum HeadWord {
  /// Bounded: a sender waits for room. Set by senders, cleared when the last one has been served.
  @usableFromInline package static let roomWanted: UInt = 1
  /// Unbounded: the head lies in the inline slots.
  @usableFromInline package static let inline: UInt = 1
}
