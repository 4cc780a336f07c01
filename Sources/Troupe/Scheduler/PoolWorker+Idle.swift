internal import CTroupeShims
import Synchronization

/// How a worker becomes idle: it returns its thread, or waits in the poller until something has become ready.
extension PoolWorker {
  /// How a worker that has become idle goes on.
  enum Idling {
    /// It has to return its thread.
    case idle
    /// It has work to look for.
    case awake
    /// It has been claimed by another thread while it waited in the poller, and has work to look for.
    case claimed
  }

  /// Says that this worker is idle, and then looks at all queues once more. If there was something after all, and no
  /// other thread has claimed the worker meanwhile, it goes on. Otherwise it waits in the poller if there is one that
  /// nobody waits in, or else must return its thread.
  ///
  /// The step and the look are sequentially consistent, as are the push and the look at the idle workers in
  /// `PoolScheduler.schedule`, so what is pushed from outside is seen here or wakes a worker there. The same holds for
  /// the first descriptor of a poller, which is counted before the look at the idle workers (`Poller.add`).
  func becomeIdle(in pool: PoolScheduler) -> Idling {
    mayStealNext = false
    let poller = pool.existingPoller
    let waits = poller?._withUnsafeGuaranteedRef { $0.claimWait() } ?? false
    // Before the step that makes the worker idle, so that whoever claims it afterwards knows where it is.
    if waits { place.store(Self.inPoller, ordering: .relaxed) }
    pool.state.becomeIdle(index)
    if pool.hasQueuedWork || !waits && pool.pollerLacksWaiter {
      if pool.state.unidle(index) {
        if waits { leaveWait(poller) }
        // The tick may have found all workers idle in between, and not have ordered the next one.
        pool.armTick()
        return .awake
      }
    }
    guard waits, let poller else { return .idle }
    return poller._withUnsafeGuaranteedRef { wait(in: $0, pool) }
  }

  // MARK: Waiting in the poller

  private static let onThread: UInt8 = 0
  private static let inPoller: UInt8 = 1
  private static let isLeaving: UInt8 = 2

  /// Waits in the poller until something has become ready or the worker is claimed.
  private func wait(in poller: Poller, _ pool: PoolScheduler) -> Idling {
    var result = Idling.awake
    poller.wait {
      poller.releaseWait()
      beginStretch(at: troupe_clock_now())
      if pool.state.unidle(index) {
        place.store(Self.onThread, ordering: .relaxed)
        pool.armTick()
      } else if place.exchange(Self.onThread, ordering: .acquiringAndReleasing) == Self.isLeaving {
        result = .claimed
      } else {
        // The one who has claimed this worker has not yet said so, and will find that it is not in the poller: a block
        // for it is about to be queued behind the one that runs now. That block finds in the worker's own queue what
        // this one puts there.
        result = .idle
      }
    }
    return result
  }

  private func leaveWait(_ poller: Unmanaged<Poller>?) {
    place.store(Self.onThread, ordering: .relaxed)
    poller?._withUnsafeGuaranteedRef { $0.releaseWait() }
  }

  /// Called by whoever has claimed this worker, to start it. Returns false if the worker does not wait in the poller;
  /// then it needs a thread.
  func leavePoller(in pool: PoolScheduler) -> Bool {
    guard place.load(ordering: .relaxed) == Self.inPoller,
      place.compareExchange(expected: Self.inPoller, desired: Self.isLeaving, ordering: .acquiringAndReleasing)
        .exchanged
    else { return false }
    pool.existingPoller?._withUnsafeGuaranteedRef { $0.wake() }
    return true
  }

  /// Has the owners of descriptors that are ready told, without waiting. It costs a call of the system if there are any
  /// descriptors, and else a load.
  func lookAtPoller() {
    unmanagedPool._withUnsafeGuaranteedRef { pool in
      pool.existingPoller?._withUnsafeGuaranteedRef { if $0.lacksWaiter { $0.look() } }
    }
  }
}
