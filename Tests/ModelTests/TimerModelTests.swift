import Synchronization
import Testing
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// The timing wheel: a timer fires once or is cancelled, and after `cancel` has returned nothing of it
  /// happens any more.
  @Suite struct Timing {
    private static func time(_ tick: Int64) -> Int64 { TimerSlots.time(of: tick) }

    @Test func `a timer that is due, and one that cancels it`() {
      Check.all("timer, cancelled", fewer: -1) {
        let clock = Clock()
        let alarm = Alarm(clock, at: Self.time(1))
        return clock.execution([{ alarm.cancel() }]) { alarm.trouble }
      }
    }

    @Test func `timers that are due together, and two that cancel some`() {
      Check.all("timers, 3 of one tick, 2 cancelled") {
        let clock = Clock()
        let alarms = (0..<3).map { _ in Alarm(clock, at: Self.time(1)) }
        return clock.execution([{ alarms[0].cancel() }, { alarms[2].cancel() }]) {
          alarms.lazy.compactMap(\.trouble).first ?? (alarms[1].fired == 1 ? nil : "one that is kept does not fire")
        }
      }
    }

    // Whoever is the first asks the clock, which must not be asked in vain.
    @Test func `two that set timers, the later one first or last`() {
      Check.all("timers, set by 2") {
        let clock = Clock()
        let alarms = [Alarm(clock), Alarm(clock), Alarm(clock)]
        return clock.execution([
          {
            alarms[0].set(at: Self.time(3))
            alarms[1].set(at: Self.time(2))
          }, { alarms[2].set(at: Self.time(1)) },
        ]) { alarms.allSatisfy { $0.fired == 1 } ? nil : "fired: \(alarms.map(\.fired))" }
      }
    }

    @Test func `a timer that sets another when it fires, and one that cancels that`() {
      Check.all("timer, follower cancelled") {
        let clock = Clock()
        let follower = Alarm(clock)
        let alarm = Alarm(clock, at: Self.time(1)) { follower.set(at: Self.time(2)) }
        return clock.execution([
          {
            alarm.cancel()
            if alarm.fired == 1 { follower.cancel() }
          }
        ]) { alarm.trouble ?? follower.trouble }
      }
    }
  }
}

/// Serves what the wheel asks the clock for: thread 0 of a scenario, which calls at once or later.
private final class Clock {
  let wheel = TimerWheel()
  // A request each: the deadline and its number. Relaxed words of the library: the sanitizer must not take
  // them for synchronisation of the program's.
  private let requests = UnsafeMutablePointer<Synchronization.Atomic<UInt64>>.allocate(capacity: 16)
  private let made = Synchronization.Atomic<Int>(0)
  private var served = 0

  init() {
    for index in 0..<16 { (requests + index).initialize(to: Synchronization.Atomic(0)) }
    wheel.arm = { [unowned(unsafe) self] deadline, number in
      let place = made.wrappingAdd(1, ordering: .relaxed).oldValue
      guard place < 16 else { fatalError("the clock is asked again and again") }
      requests[place].store(UInt64(TimerSlots.ticks(until: deadline)) << 32 | number, ordering: .relaxed)
      ModelSystem.start(0)
    }
  }

  deinit { requests.deallocate() }

  private func serve() {
    while ModelSystem.rest() {
      let request = requests[served].load(ordering: .relaxed)
      served += 1
      wheel.advance(to: TimerSlots.time(of: Int64(request >> 32)), request: request & 0xFFFF_FFFF)
    }
  }

  func execution(_ threads: [() -> Void], verify: @escaping () -> String?) -> Execution {
    Execution([{ self.serve() }] + threads, resting: 1, verify: verify)
  }
}

/// One timer, and what it touches when it fires: plain memory, which its owner takes back when it has cancelled it.
private final class Alarm {
  private unowned let clock: Clock
  private let then: () -> Void
  private var timer: ActionTimer?
  private var isGone = false
  private var firedLate = false
  private(set) var fired = 0
  private var firedWhenCancelled: Int?

  init(_ clock: Clock, at deadline: Int64? = nil, then: @escaping () -> Void = {}) {
    self.clock = clock
    self.then = then
    if let deadline { set(at: deadline) }
  }

  func set(at deadline: Int64) {
    nonisolated(unsafe) unowned(unsafe) let alarm = self
    let timer = ActionTimer(deadline: deadline) { _ in alarm.fire() }
    self.timer = timer
    clock.wheel.add(timer)
  }

  private func fire() {
    if isGone { firedLate = true }
    then()
    // A step at which the owner may come in.
    ModelSystem.step()
    if isGone { firedLate = true }
    fired += 1
  }

  func cancel() {
    guard let timer else { return }
    clock.wheel.cancel(timer)
    isGone = true
    firedWhenCancelled = fired
  }

  var trouble: String? {
    if firedLate { return "fires after it was cancelled" }
    if let before = firedWhenCancelled, before != fired {
      return "fired \(before) times when it was cancelled, \(fired) now"
    }
    return fired <= 1 ? nil : "fired \(fired) times"
  }
}
