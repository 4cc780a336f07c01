import TestSupport
import Testing

@testable import Troupe

@Suite struct TimerKeyTests {
  /// Does to its timers what a seed says, beside a dictionary of what should be active.
  private struct Keyed: Behavior, Sendable {
    enum Message: Sendable { case act(seed: UInt64, steps: Int), due(Int) }
    /// Keys that are equal as text, and differ in type.
    enum Key: Hashable, Sendable { case number(Int), text(String) }
    var expected: [Key: Int] = [:]
    let trail: Trail<Int>
    let wrong: Counter
    var number = 0

    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      let timers = context.timers
      switch message {
      case .due(let number):
        trail.append(number)
        guard let key = expected.first(where: { $0.value == number })?.key else { return wrong.add() }
        expected[key] = nil
      case .act(let seed, let steps):
        var random = Random(seed: seed)
        for _ in 0..<steps {
          let i = random.below(120)
          let isText = random.chance(1, in: 3)
          let key = isText ? Key.text("\(i)") : .number(i)
          if random.chance(3, in: 5) {
            number += 1
            let after = Duration.milliseconds(1 + random.below(1000))
            if isText {
              timers.once("\(i)", after: after, .due(number))
            } else {
              timers.once(i, after: after, .due(number))
            }
            expected[key] = number
          } else {
            if isText { timers.cancel("\(i)") } else { timers.cancel(i) }
            expected[key] = nil
          }
        }
        for i in 0..<120 {
          if timers.isActive(i) != (expected[.number(i)] != nil) { wrong.add() }
          if timers.isActive("\(i)") != (expected[.text("\(i)")] != nil) { wrong.add() }
        }
      }
    }
  }

  @Test(arguments: 0..<UInt64(24)) func `an actor finds each timer by its key, whatever came and went`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let (trail, wrong) = (Trail<Int>(), Counter())
    let actor = sim.system.spawn { Keyed(trail: trail, wrong: wrong) }
    var random = Random(seed: seed)
    for round in 0..<20 {
      actor.send(.act(seed: seed &* 1000 &+ UInt64(round), steps: random.below(400)))
      sim.run()
      sim.advance(by: .milliseconds(random.below(300)))
    }
    sim.advance(by: .seconds(2))
    #expect(wrong.value == 0, "seed \(seed)")
    #expect(trail.count > 0 && Set(trail.all).count == trail.count)
    sim.end()
  }

  @Test func `the place of a cancelled timer is used again`() {
    let sim = Simulation(seed: 1)
    let (seen, places) = (Trail<Int>(), Trail<Int>())
    let actor = sim.system.spawn(state: 0) { (_: inout Int, message: consuming Int, context: Context<Int>) in
      if message != 0 { return seen.append(message) }
      let timers = context.timers
      // There are two at a time at most, whatever their keys.
      for i in 1...10_000 {
        timers.once(i, after: .seconds(i % 7), i)
        if i > 1 { timers.cancel(i - 1) }
        if timers.isActive(i - 1) || !timers.isActive(i) { places.append(-1) }
      }
      // A key that was cancelled is as good as new.
      timers.once(3, after: .seconds(1), 3)
      timers.cancel(3)
      timers.cancel(3)
      timers.once(3, after: .seconds(2), 33)
      let table = context.cell.timers.takeUnretainedValue()
      places.append(table.entries.count)
      places.append(table.count)
    }
    actor.send(0)
    sim.run()
    #expect(places.all == [4, 2])
    sim.advance(by: .seconds(100))
    #expect(seen.all == [33, 10_000])
    sim.end()
  }

  @Test func `a table of keys that is larger than a huge page holds them all`() {
    let sim = Simulation(seed: 1)
    let (seen, figures) = (Trail<Int>(), Trail<Int>())
    let count = 60_000
    let actor = sim.system.spawn(state: 0) { (_: inout Int, message: consuming Int, context: Context<Int>) in
      if message >= 0 { return seen.append(message) }
      let timers = context.timers
      for i in 0..<count { timers.once(i, after: .seconds(1), i) }
      for i in stride(from: 0, to: count, by: 2) { timers.cancel(i) }
      let table = context.cell.timers.takeUnretainedValue()
      figures.append(table.entries.count * MemoryLayout<TimerTable.Entry>.stride)
      figures.append((0..<count).count { timers.isActive($0) == ($0 % 2 == 1) })
    }
    actor.send(-1)
    sim.run()
    #expect(figures.all == [2 << 20, count])
    sim.advance(by: .seconds(2))
    #expect(seen.all == Array(stride(from: 1, to: count, by: 2)))
    sim.end()
  }
}
