import Synchronization

/// One deadline, and what happens then. The scheduler keeps the timer until it has fired or was cancelled. Whoever made
/// it must keep what `fire` touches for as long.
///
/// A timer is an envelope, so that one whose time has come can be posted to an actor as it is. What keeps timers by
/// their deadlines (`TimerWheel`, `TimerHeap`) uses the envelope's link and nothing else of it, and many timers are
/// never posted: they wake somebody or call something when they fire.
@usableFromInline package class Timer: Envelope, @unchecked Sendable {
  /// What has become of the timer. The small property comes first: it fills a gap behind those of the envelope.
  final let state = TimerState()
  /// The deadline in nanoseconds of the scheduler's clock.
  @usableFromInline package final let deadline: Int64

  // The rest belongs to the structure that the timer is in, and is touched only under that structure's lock. The
  // references are not counted: a timer has one count for being in the structure. They are exempt from exclusivity
  // checks, each of which is a call.

  @exclusivity(unchecked) final var previousTimer: Unmanaged<Timer>?
  /// The link of the envelope. A timer is posted only when it has left the structure.
  @inline(__always) final var nextTimer: Unmanaged<Timer>? {
    get { next.map { .fromOpaque($0.toOpaque()) } }
    set { next = newValue.map { .fromOpaque($0.toOpaque()) } }
  }
  /// The list of the wheel that the timer is in, or its place in the heap.
  @exclusivity(unchecked) final var place: Int32 = 0

  @usableFromInline init(deadline: Int64) { self.deadline = deadline }

  /// Called at most once, without any lock, on a thread that must not be held up. It may add and cancel timers, but it
  /// must not cancel its own: that would wait for itself.
  func fire() {}
}

/// What has become of a timer.
///
/// A timer that is cancelled goes from *idle* to *queued* to *done*. One that fires goes from *idle* to *queued*,
/// *taken*, *firing* and *done*. Whoever cancels a *taken* timer makes it *done*, and it does not fire.
struct TimerState: ~Copyable, Sendable {
  private let word = Atomic<UInt8>(0)
  private static let idle: UInt8 = 0
  private static let queued: UInt8 = 1
  private static let taken: UInt8 = 2
  private static let firing: UInt8 = 3
  private static let done: UInt8 = 4

  // MARK: Under the lock of the structure, which orders these

  var isIdle: Bool { word.load(ordering: .relaxed) == Self.idle }
  var isQueued: Bool { word.load(ordering: .relaxed) == Self.queued }
  func queue() { word.store(Self.queued, ordering: .relaxed) }
  func take() { word.store(Self.taken, ordering: .relaxed) }
  func finish() { word.store(Self.done, ordering: .relaxed) }

  // MARK: Without it

  /// Called by the thread that took the timer. Returns false if it was cancelled since.
  func beginFiring() -> Bool {
    // Acquire-release: either this or `cancelTaken` wins. Neither looks at what the other has done.
    exchange(Self.taken, Self.firing)
  }

  func endFiring() {
    // Releasing: publishes what `fire` did. Pairs with the acquiring load in `isFiring`.
    word.store(Self.done, ordering: .releasing)
  }

  /// Cancels a timer that was taken. Returns true if it will not fire because of this.
  func cancelTaken() -> Bool { exchange(Self.taken, Self.done) }

  var isFiring: Bool {
    // Acquiring: pairs with the releasing store in `endFiring`.
    word.load(ordering: .acquiring) == Self.firing
  }

  private func exchange(_ old: UInt8, _ new: UInt8) -> Bool {
    word.compareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing).exchanged
  }
}
