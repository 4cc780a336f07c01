import TestSupport
import Testing

@testable import Troupe

@Suite struct FailureTimesTests {
  @Test(arguments: [0, 1, 2, 3, 7, 64, 100]) func `it counts in the window alone, beside a list, past all its places`(
    limit: Int
  ) {
    var random = Random(seed: UInt64(limit))
    var (times, list, now) = (FailureTimes(), [Duration](), Duration.zero)
    for step in 0..<limit * 5 + 50 {
      // Also several at a time.
      now += .milliseconds(random.below(4) * random.below(10))
      times.append(now, remembering: limit)
      list = Array((list + [now]).suffix(limit))
      #expect(times.all == list, "step \(step)")
      for window in [Duration.zero, .milliseconds(1), .milliseconds(random.below(limit * 20 + 1)), .seconds(Int64.max)]
      {
        let later = now + .milliseconds(random.below(20))
        let expected = list.filter { later - $0 < window }.count
        #expect(times.count(within: window, before: later) == expected, "step \(step), window \(window)")
      }
      // What is forgotten is cleared away by halves.
      #expect(times.times.count <= 2 * limit + 1)
    }
  }

  @Test func `one that came exactly the window ago counts no more, and one that came just now does`() {
    var times = FailureTimes()
    #expect(times.count(within: .seconds(1), before: .zero) == 0)
    for second in 0..<5 { times.append(.seconds(second), remembering: 3) }
    #expect(times.all == [.seconds(2), .seconds(3), .seconds(4)])
    #expect(times.count(within: .seconds(2), before: .seconds(5)) == 1)
    #expect(times.count(within: .seconds(2) + .nanoseconds(1), before: .seconds(5)) == 2)
    #expect(times.count(within: .seconds(1), before: .seconds(4)) == 1)
    #expect(times.count(within: .zero, before: .seconds(4)) == 0)
    #expect(times.count(within: .seconds(100), before: .seconds(5)) == 3)
  }

  @Test func `one that is given less room forgets, and one that is given more does not remember again`() {
    var times = FailureTimes((0..<10).map { .seconds($0) })
    #expect(times.all.count == 10)
    times.append(.seconds(10), remembering: 4)
    #expect(times.all == (7...10).map { .seconds($0) })
    times.append(.seconds(11), remembering: 100)
    #expect(times.all == (7...11).map { .seconds($0) })
    var others = FailureTimes((0..<10).map { .seconds($0) })
    // The first two are forgotten, and not yet cleared away.
    others.append(.seconds(10), remembering: 9)
    others.append(.seconds(11), remembering: 100)
    #expect(others.all == (2...11).map { .seconds($0) })
    times.append(.seconds(12), remembering: 0)
    #expect(times.all == [] && times.count(within: .seconds(100), before: .seconds(12)) == 0)
    times.append(.seconds(13), remembering: 2)
    #expect(times.all == [.seconds(13)])
  }

  @Test func `an actor that fails more often than its history holds is told of the last ones`() {
    let sim = Simulation(seed: 1)
    let histories = Trail<[Duration]>()
    let notes = Trail<String>()
    let supervision = Supervision { _, history in
      histories.append(history.failures)
      return .resume
    }
    let actor = sim.system.patient("a", notes, supervision)
    let start = Duration.nanoseconds(sim.scheduler.coarseNow)
    for n in 0..<200 {
      actor.send(.fail(n))
      sim.run()
      sim.advance(by: .seconds(1))
    }
    let all = histories.all
    #expect(all.count == 200)
    for (n, failures) in all.enumerated() {
      #expect(failures == (max(0, n - 64)..<n).map { start + .seconds($0) }, "failure \(n)")
    }
    sim.end()
  }

  @Test func `a limit above 64 is kept, and what is older than the window is forgiven`() {
    let sim = Simulation(seed: 2)
    let notes = Trail<String>()
    let actor = sim.system.patient(
      "a", notes, .restart(limit: 100, within: .seconds(10), backoff: .none))
    // At each one there are 99 in the window, and another was there when the window's time ago was not yet over.
    for n in 0..<500 {
      actor.send(.fail(n))
      sim.run()
      sim.advance(by: .milliseconds(100))
    }
    #expect(sim.system.counts.restarts == 500)
    for n in 0..<10 {
      actor.send(.fail(n))
      sim.run()
    }
    #expect(sim.system.counts.restarts == 501)
    #expect(sim.end(of: actor) == "failed")
    sim.end()
  }
}
