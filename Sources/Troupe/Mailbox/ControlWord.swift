public import Synchronization

/// The control lane of a cell: what passes before queued messages. Life-cycle requests repeat without meaning
/// more, so the lane is a set of bits, and never full.
@usableFromInline package struct ControlWord: ~Copyable, Sendable {
  @usableFromInline let bits = Atomic<UInt32>(0)

  @usableFromInline static let stop: UInt32 = 1
  @usableFromInline static let parentStopped: UInt32 = 2
  @usableFromInline static let systemStopped: UInt32 = 4
  @usableFromInline static let linkEnded: UInt32 = 8
  /// One of these, and the actor ends. They are kept.
  static let stops = stop | parentStopped | systemStopped | linkEnded
  /// An asynchronous handler that waits is cancelled.
  static let cancels = stop | parentStopped | systemStopped
  @usableFromInline static let childrenEnded: UInt32 = 16
  static let kept = stops | childrenEnded
  /// Handle what is queued, then stop.
  static let drain: UInt32 = 32
  static let suspend: UInt32 = 64
  static let resume: UInt32 = 128
  static let restart: UInt32 = 256
  /// The wait before a restart is over.
  static let restartDue: UInt32 = 512
  /// A child has failed and passes that on.
  static let escalated: UInt32 = 1024
  /// The mailbox was full, and that is a failure.
  static let overflow: UInt32 = 4096
  /// The last handle has gone.
  static let unreferenced: UInt32 = 8192
  /// A handler of an interleaving actor: there is room for another, or the end may go on.
  static let handlerEnded: UInt32 = 16384
  /// Beside one of `cancels`, where it was not the handler itself that asked to stop: see `HandlerState`.
  static let cancel: UInt32 = 32768
  /// Something has come beside the queue.
  static let envelopes: UInt32 = 2048

  init() {}

  /// Something waits. The consumer's own line: looking costs nothing while nobody posts.
  ///
  /// Relaxed: what a sender posted before a message is seen behind the acquiring look at the message's slot
  /// (`MessageQueue.isReady`), which is why that look comes first; what anybody posts later sets the bit in
  /// the tail, and the step that idles sees that.
  @inlinable var isPending: Bool { bits.load(ordering: .relaxed) != 0 }

  /// Relaxed: `HandlerState` orders it.
  var hasCancel: Bool { bits.load(ordering: .relaxed) & Self.cancel != 0 }

  /// Releasing: pairs with `take`.
  func post(_ bit: UInt32) { bits.bitwiseOr(bit, ordering: .releasing) }

  /// The same, and takes one back that the new one makes void. Of two that exclude each other the later one holds.
  func post(_ bit: UInt32, replacing other: UInt32) {
    if other == 0 { return post(bit) }
    var word = bits.load(ordering: .relaxed)
    while true {
      let (exchanged, seen) = bits.weakCompareExchange(
        expected: word, desired: word & ~other | bit, successOrdering: .releasing, failureOrdering: .relaxed)
      if exchanged { return }
      word = seen
    }
  }

  func take() -> UInt32 { bits.exchange(0, ordering: .acquiring) }

  /// For a cell that begins anew, and that nobody else has.
  func reset() { bits.store(0, ordering: .relaxed) }
}
