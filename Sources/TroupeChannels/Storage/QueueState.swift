public import Synchronization

/// The part of a queue that senders touch. It lies at the start of the queue's raw memory.
@usableFromInline package struct QueueState: ~Copyable {
  /// The word that senders compete for; see `TailWord`.
  @usableFromInline package let tail: Atomic<UInt>
  /// The block that the tail lies in, with the bit `longBlock` if that is a long one. It is valid for the index that
  /// was read before it, provided that the following step on `tail` succeeds. A sender that has read it too early fails
  /// in that step.
  @usableFromInline package let tailBlock: Atomic<UInt>
  /// In an unbounded queue, a drained block that the consumer left for the next sender that needs one, or 0. In a
  /// bounded queue, the consumer's index as some sender saw it last.
  @usableFromInline package let spareOrHeadCache: Atomic<UInt>
  /// 0 when unbounded.
  @usableFromInline package let capacity: UInt32
  /// In a bounded queue, the number of slots in the ring less one, which never changes. In an unbounded queue, the
  /// index of the first slot of the tail's long block, counted in blocks, which is as valid as `tailBlock`.
  @usableFromInline package let ringMaskOrLongStart: Atomic<UInt32>

  @inlinable package var ringMask: UInt { UInt(ringMaskOrLongStart.load(ordering: .relaxed)) }

  /// Marks a long block. The bit is free beside the address of a block, which is a multiple of eight.
  @usableFromInline package static let longBlock: UInt = 1

  @inlinable package init(slots: Int, capacity: Int, tail word: UInt) {
    tail = Atomic(word)
    tailBlock = Atomic(0)
    spareOrHeadCache = Atomic(0)
    self.capacity = UInt32(capacity)
    ringMaskOrLongStart = Atomic(capacity == 0 ? 0 : UInt32(slots - 1))
  }
}

/// The part of a queue that its consumer touches. It lies behind the inline slots, which keep it off the senders'
/// cache line.
@usableFromInline package struct ConsumerState: ~Copyable {
  /// The index of the next element to take, times two, with a bit of `HeadWord` below. This is all that others see of
  /// the consumer.
  @usableFromInline package let head: Atomic<UInt>
  @usableFromInline package var segment: UnsafeMutableRawPointer
  @usableFromInline package var offset: Int32
  /// Slots of the segment, by which its elements are found.
  @usableFromInline package var limit: Int32
  /// The flag value that means "written": always 1 in blocks, alternately 1 and 2 in a ring.
  @usableFromInline package var written: UInt8
  @usableFromInline package var isInline: Bool
  /// Whether the last take saw that a sender waits for room. The caller of `take` then has to hand the room out.
  @usableFromInline package var roomWanted: Bool
  @usableFromInline package let isBounded: Bool
  /// How many operations the largest selection had that named this receiver first, up to 255, or 0 before there was
  /// one; see `Selection.begin`.
  @usableFromInline package var selectionWidth: UInt8

  /// Relaxed: nobody but the consumer changes the index, and *idle* hands it on to the next one.
  @inlinable package var headIndex: UInt { head.load(ordering: .relaxed) >> 1 }

  @inlinable package init(segment: UnsafeMutableRawPointer, limit: Int, isBounded: Bool) {
    head = Atomic(isBounded ? 0 : HeadWord.inline)
    self.segment = segment
    offset = 0
    self.limit = Int32(limit)
    written = 1
    isInline = !isBounded
    roomWanted = false
    self.isBounded = isBounded
    selectionWidth = 0
  }
}

/// The bit below the consumer's published index.
@usableFromInline package enum HeadWord {
  /// In a bounded queue: a sender waits for room. Senders set the bit under the lock of `SendWaiters`. It is cleared
  /// there when the last of them has been served or has left. A take is a read-modify-write on this word, so either
  /// the take sees the bit, or the sender that set it sees the take.
  @usableFromInline package static let roomWanted: UInt = 1
  /// In an unbounded queue: the head lies in the inline slots. Only those who count the elements need to know.
  @usableFromInline package static let inline: UInt = 1
}
