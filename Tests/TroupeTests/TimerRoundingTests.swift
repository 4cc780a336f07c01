import TestSupport
import Testing

@testable import Troupe

/// How times become ticks of the wheel, and durations nanoseconds: up, so that nothing is early.
@Suite struct TimerRoundingTests {
  private static let tick: Int64 = 1 << 16

  @Test(
    arguments: [
      (0, 0), (1, 1), (tick - 1, 1), (tick, 1), (tick + 1, 2), (2 * tick, 2),
      (-1, 0), (1 - tick, 0), (-tick, -1), (-tick - 1, -1), (.min, -1 << 47), (.min + 1, 1 - 1 << 47),
      (.max, 1 << 47), (.max - tick + 2, 1 << 47), (.max - tick + 1, 1 << 47 - 1), (.max - tick, 1 << 47 - 1),
    ] as [(Int64, Int64)])
  func `a deadline belongs to the first tick at which it has passed`(deadline: Int64, tick: Int64) {
    #expect(TimerSlots.tick(of: deadline) == tick)
  }

  @Test(
    arguments: [
      (0, 0), (1, 0), (tick - 1, 0), (tick, 1), (tick + 1, 1), (-1, -1), (-tick, -1), (-tick - 1, -2),
      (.max, 1 << 47 - 1), (.min, -1 << 47),
    ] as [(Int64, Int64)])
  func `only whole ticks have passed`(now: Int64, ticks: Int64) {
    #expect(TimerSlots.ticks(until: now) == ticks)
  }

  @Test(
    arguments: [
      (0, 0), (1, tick), (2, 2 * tick), (-1, -tick), (1 << 47 - 1, .max - tick + 1), (1 << 47, .max), (.max, .max),
    ] as [(Int64, Int64)])
  func `a tick begins at its multiple, and one that the clock does not reach is never`(tick: Int64, time: Int64) {
    #expect(TimerSlots.time(of: tick) == time)
  }

  @Test func `for any deadline: the clock that is called at its tick finds that it has passed, and before that not`() {
    var random = Random(seed: 11)
    for _ in 0..<100_000 {
      let bits = Int64(truncatingIfNeeded: random.next()) >> Int64(random.below(63))
      let near = (bits >> 16) << 16
      for deadline in [bits, near, near | 1, near | 0xFFFF] where deadline <= .max - Self.tick {
        let tick = TimerSlots.tick(of: deadline)
        let time = TimerSlots.time(of: tick)
        guard time >= deadline && time - deadline < Self.tick && TimerSlots.ticks(until: time) == tick else {
          Issue.record("\(deadline) has the tick \(tick), which begins at \(time)")
          return
        }
      }
    }
  }

  @Test(
    arguments: [
      (.zero, 0), (.nanoseconds(1), 1), (.nanoseconds(-1), 0), (.seconds(-1), 0), (.seconds(Int64.min), 0),
      (.nanoseconds(65_535), 65_535), (.nanoseconds(65_536), 65_536), (.nanoseconds(65_537), 65_537),
      (Duration(secondsComponent: 0, attosecondsComponent: 1), 1),
      (Duration(secondsComponent: 0, attosecondsComponent: -1), 0),
      (Duration(secondsComponent: 0, attosecondsComponent: 1_000_000_001), 2),
      (Duration(secondsComponent: 1, attosecondsComponent: 999_999_999_999_999_999), 2_000_000_000),
      (Duration(secondsComponent: 1, attosecondsComponent: -1), 1_000_000_000),
      (.nanoseconds(Int64.max), .max), (.nanoseconds(Int64.max - 1), .max - 1),
      (.nanoseconds(Int64.max - 1) + Duration(secondsComponent: 0, attosecondsComponent: 1), .max),
      (.nanoseconds(Int64.max) + .nanoseconds(1), .max), (.seconds(9_223_372_036), 9_223_372_036_000_000_000),
      (.seconds(9_223_372_037), .max), (.seconds(Int64.max), .max),
    ] as [(Duration, Int64)])
  func `a duration has whole nanoseconds, rounded up, none below zero and no more than can be counted`(
    duration: Duration, nanoseconds: Int64
  ) {
    #expect(duration.nanosecondsClamped == nanoseconds)
  }

  @Test func `what is too far away to count is never`() {
    #expect(Int64.max.saturatingAdd(1) == .max && Int64(1).saturatingAdd(.max) == .max)
    #expect(Int64.max.saturatingAdd(0) == .max && (Int64.max - 1).saturatingAdd(1) == .max)
    #expect(Int64(3).saturatingAdd(4) == 7 && Int64(-3).saturatingAdd(.max) == .max - 3)
    #expect(Deadline(after: .seconds(Int64.max)).isNever && Deadline(after: .nanoseconds(Int64.max)).isNever)
    #expect(!Deadline(after: .seconds(1_000_000_000)).isNever)
    #expect(!Deadline(after: .seconds(Int64.max)).hasPassed && Deadline(after: .zero).hasPassed)
    #expect(Deadline(after: .seconds(Int64.min)).hasPassed && Deadline(after: .seconds(-1)).remaining == 0)
  }

  @Test func `under simulation a timer fires at its deadline, and not a nanosecond before`() {
    for delay in [1, Self.tick - 1, Self.tick, Self.tick + 1] {
      let sim = Simulation(seed: 1)
      let trail = Trail<Int>()
      let actor = sim.system.spawn(state: 0) { (_: inout Int, message: consuming Int, context: Context<Int>) in
        let message = message
        if message == 0 { context.timers.once("a", after: .nanoseconds(delay), 1) } else { trail.append(message) }
      }
      actor.send(0)
      sim.run()
      sim.advance(by: .nanoseconds(delay - 1))
      #expect(trail.count == 0)
      sim.advance(by: .nanoseconds(1))
      #expect(trail.count == 1)
      sim.end()
    }
  }
}
