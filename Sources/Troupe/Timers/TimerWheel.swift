/// All timers of a system, in a hierarchical timing wheel under a lock: to add and to cancel one is O(1), and
/// allocates nothing.
///
/// A timer never fires early, because its deadline is rounded up to a tick, and because the wheel is moved by the same
/// exact clock from which deadlines are counted. That clock is read once in a call, and not for each timer. On an idle
/// machine a timer is late by a tick at most, and by the time that it takes to wake a thread. Timers fire in the order
/// of their ticks, and of one tick in the order in which they were added.
package final class TimerWheel: @unchecked Sendable {
  private let lock = FutexLock()
  // Touched under the lock, so exempt from exclusivity checks.
  @exclusivity(unchecked) private var slots = TimerSlots()
  /// The tick for which the clock will call `advance`.
  @exclusivity(unchecked) private var armed = Int64.max
  /// Counts the requests to the clock: only the latest is in force.
  @exclusivity(unchecked) private var request: UInt64 = 0

  /// Makes the clock call `advance` at a time or somewhat later, with the number of the request. Set once,
  /// before any timer is added.
  @exclusivity(unchecked) package var arm: (_ deadline: Int64, _ request: UInt64) -> Void = { _, _ in }

  /// So many are taken from the wheel, or moved in it, in one hold of the lock.
  private static let batch = 32
  /// After so many the thread that fires them is given back, for the others that use it.
  private static let timersAtOnce = 2048

  package init() {}

  package func add(_ timer: Timer) {
    precondition(timer.state.isIdle, "Troupe: a timer was set twice. This is a bug in Troupe.")
    let timer = Unmanaged.passRetained(timer)
    lock.lock()
    timer._withUnsafeGuaranteedRef { $0.state.queue() }
    let tick = slots.insert(timer)
    if tick >= armed { return lock.unlock() }
    let number = arming(tick)
    lock.unlock()
    arm(TimerSlots.time(of: tick), number)
  }

  /// Under the lock.
  private func arming(_ tick: Int64) -> UInt64 {
    armed = tick
    request += 1
    return request
  }

  /// When it returns the timer has fired or never will. So it waits while the timer is firing, a few steps;
  /// not for others.
  package func cancel(_ timer: Timer) {
    lock.lock()
    if timer.state.isQueued {
      let unmanaged = Unmanaged.passUnretained(timer)
      slots.remove(unmanaged)
      timer.state.finish()
      lock.unlock()
      return unmanaged.release()
    }
    lock.unlock()
    if timer.state.cancelTaken() { return }
    var backoff = Backoff()
    while timer.state.isFiring { backoff.snooze() }
  }

  /// The clock calls for what was armed. If something earlier was armed since, that one's call does it all:
  /// there is one chain of calls, however many timers come.
  package func advance(to now: Int64, request number: UInt64) {
    let now = TimerSlots.ticks(until: now)
    var left = Self.timersAtOnce
    lock.lock()
    if number != request { return lock.unlock() }
    steps: while left > 0 {
      switch slots.step(to: now, limit: Self.batch) {
      case .due(let chain, let count):
        lock.unlock()
        fire(chain)
        left -= count
      case .more:
        lock.unlock()
        left -= Self.batch
      case .over: break steps
      }
      lock.lock()
    }
    guard let next = slots.nextTick else {
      armed = .max
      return lock.unlock()
    }
    let number = arming(next)
    lock.unlock()
    arm(TimerSlots.time(of: next), number)
  }

  /// Without the lock: `fire` may add and cancel timers.
  private func fire(_ chain: Unmanaged<Timer>?) {
    var rest = chain
    while let timer = rest {
      timer._withUnsafeGuaranteedRef {
        rest = $0.nextTimer
        guard $0.state.beginFiring() else { return }
        $0.fire()
        $0.state.endFiring()
      }
      timer.release()
    }
  }
}
