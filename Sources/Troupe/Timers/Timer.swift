import Synchronization

/// One deadline. The scheduler keeps the timer until it has fired or was cancelled; whoever made it must keep as long what
/// `fire` touches.
@usableFromInline package class Timer: @unchecked Sendable {
  /// Nanoseconds of the scheduler's clock.
  @usableFromInline package final let deadline: Int64
  // The rest belongs to the structure that the timer is in, and is touched under its lock alone; then, of a parcel, to the list
  // that it is in. The references count nothing: being in the structure is one count. They are exempt from exclusivity checks,
  // each of which is a call.
  @exclusivity(unchecked) final var next: Unmanaged<Timer>?
  @exclusivity(unchecked) final var previous: Unmanaged<Timer>?
  /// Which list of the wheel, or which place of the heap.
  @exclusivity(unchecked) final var place = 0
  // The small one last: what a subclass adds follows without a gap.
  final let state = TimerState()

  @usableFromInline init(deadline: Int64) { self.deadline = deadline }

  /// Called once at most, on a thread that must not be held up, and without any lock. It may add and cancel timers, but not
  /// cancel its own: that would wait for itself.
  func fire() {}
}

/// What has become of a timer.
///
/// *idle* → *queued* → *done* if it is cancelled; *queued* → *taken* → *firing* → *done* if it fires. Who cancels a *taken* one makes
/// it *done*, and it does not fire.
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

  /// By the thread that took it; false if it was cancelled since.
  func beginFiring() -> Bool {
    // Acquire-release: one of this and `cancelTaken` wins. What the other did is not looked at.
    exchange(Self.taken, Self.firing)
  }

  func endFiring() {
    // Releasing: what `fire` did. Pairs with the acquiring load in `isFiring`.
    word.store(Self.done, ordering: .releasing)
  }

  /// True if the timer will not fire because of this.
  func cancelTaken() -> Bool { exchange(Self.taken, Self.done) }

  var isFiring: Bool {
    // Acquiring: pairs with the releasing store in `endFiring`.
    word.load(ordering: .acquiring) == Self.firing
  }

  private func exchange(_ old: UInt8, _ new: UInt8) -> Bool {
    word.compareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing).exchanged
  }
}
