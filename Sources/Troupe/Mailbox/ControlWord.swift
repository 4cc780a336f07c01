public import Synchronization

/// The control lane of a cell, which is handled before the next queued message. It is a set of bits, because to ask for
/// something of an actor's life cycle twice means no more than to ask once. So it is never full.
@usableFromInline package struct ControlWord: ~Copyable, Sendable {
  @usableFromInline let bits = Atomic<UInt32>(0)

  @usableFromInline static let stop: UInt32 = 1
  @usableFromInline static let parentStopped: UInt32 = 2
  @usableFromInline static let systemStopped: UInt32 = 4
  /// An actor that this one is linked to has ended.
  @usableFromInline static let linkEnded: UInt32 = 8
  /// Each of these ends the actor.
  static let stops = stop | parentStopped | systemStopped | linkEnded
  /// Each of these cancels the task in which an asynchronous handler waits.
  static let cancels = stop | parentStopped | systemStopped
  /// The last child has ended after the table of children was closed.
  @usableFromInline static let childrenEnded: UInt32 = 16
  /// The bits that the cell keeps in `stopBits` once it has taken them.
  static let kept = stops | childrenEnded
  /// The actor handles what is queued, and then stops.
  static let drain: UInt32 = 32
  static let suspend: UInt32 = 64
  static let resume: UInt32 = 128
  static let restart: UInt32 = 256
  /// The backoff before a restart is over.
  static let restartDue: UInt32 = 512
  /// A child has failed and escalates that to this actor.
  static let escalated: UInt32 = 1024
  /// A sender has found the mailbox full, which counts as a failure of the actor.
  static let overflow: UInt32 = 4096
  /// The last handle of a counted actor has gone.
  static let unreferenced: UInt32 = 8192
  /// A handler of an interleaving actor has ended, so another one may begin, or the end of the actor may go on.
  static let handlerEnded: UInt32 = 16384
  /// The task in which an asynchronous handler waits is to be cancelled: see `HandlerState`. `Cell.post` adds this to
  /// the bits in `cancels`; an actor that stops itself in its handler sets its bit without it.
  static let cancel: UInt32 = 32768
  /// An envelope has been posted.
  static let envelopes: UInt32 = 2048

  init() {}

  /// Whether any bit is set. The consumer looks before each message. The look costs next to nothing while nobody posts,
  /// because the word then stays in the consumer's cache.
  ///
  /// Relaxed is enough, because the consumer first looks whether a message is ready (`MessageQueue.isReady`). That look
  /// is acquiring, so a bit which the sender posted before the message is seen here. A bit that anyone posts later sets
  /// *control* in the tail word, which the step that idles sees.
  @inlinable var isPending: Bool { bits.load(ordering: .relaxed) != 0 }

  /// Whether the task of a waiting handler is to be cancelled. Relaxed: the exchange in `HandlerState.enter` comes
  /// before this look, and acquires what came before `HandlerState.cancel`.
  var hasCancel: Bool { bits.load(ordering: .relaxed) & Self.cancel != 0 }

  /// Sets a bit. Releasing: publishes what the poster did before. Pairs with the exchange in `take`.
  func post(_ bit: UInt32) { bits.bitwiseOr(bit, ordering: .releasing) }

  /// Sets a bit, and clears another that it makes void if that is still set. So of two requests that exclude each other
  /// the later one holds.
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

  /// Takes all bits. Acquiring: pairs with the releasing steps in `post`.
  func take() -> UInt32 { bits.exchange(0, ordering: .acquiring) }

  /// Clears all bits of a cell that is kept for another actor. Relaxed: nobody else has a reference to the cell.
  func reset() { bits.store(0, ordering: .relaxed) }
}
