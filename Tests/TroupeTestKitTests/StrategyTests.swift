import Testing
import Troupe
import TroupeTestKit

/// Every strategy finds what it should, and says how to see it again.
@Suite struct StrategyTests {
  @Test(arguments: 1...3) func `priorities find a lost update`(changes: Int) {
    let options = Simulation.Options(strategy: .priorities(changes: changes, steps: 60))
    let failure = #expect(throws: ExplorationFailure.self) {
      try Simulation.explore(seeds: 0..<500, options: options, SimulationTests.sell)
    }
    #expect(failure?.command.hasPrefix("TROUPE_SEED=") == true)
  }

  @Test func `all orders of a small model are tried`() throws {
    // Three messages by two senders: 3 orders, each with the starts of the actors at different places.
    final class Seen: @unchecked Sendable { var orders: Set<[Int]> = [] }
    let seen = Seen()
    let coverage = try Simulation.exploreAll(preemptions: 1) { simulation in
      let probe = simulation.probe(of: Int.self)
      let out = probe.address
      let twice = simulation.system.spawn("twice", state: 0) { (_, message: consuming Int, _) in out.send(message) }
      let once = simulation.system.spawn("once", state: 0) { (_, message: consuming Int, _) in out.send(message) }
      twice.send(1)
      twice.send(2)
      once.send(3)
      simulation.runUntilIdle()
      seen.orders.insert(probe.messages)
    }
    #expect(coverage.isComplete)
    #expect(coverage.runs < 20_000)
    #expect(seen.orders == [[1, 2, 3], [1, 3, 2], [3, 1, 2]])
    #expect(throws: ExplorationFailure.self) { try Simulation.exploreAll(SimulationTests.sell) }
  }

  /// The second of two senders must come first, which first come, first served never does.
  @Test func `a failure is shortened to one choice`() {
    let failure = #expect(throws: ExplorationFailure.self) {
      try Simulation.explore(seeds: 0..<100) { simulation in
        let probe = simulation.probe(of: Int.self)
        let out = probe.address
        for i in 0..<4 {
          simulation.system.spawn("a\(i)", state: 0) { (_, message: consuming Int, _) in out.send(i) }.send(0)
        }
        try simulation.expect(probe.next() != 3)
      }
    }
    #expect(failure?.deviations.0 == 1)
    #expect(failure?.shortestCommand?.contains("TROUPE_SCHEDULE=") == true)
    #expect(failure?.description.contains("sim/a3 handles") == true)
  }

  @Test func `nothing is thrown where nothing fails`() throws {
    try Simulation.explore(seeds: 0..<50) { simulation in
      let stock = simulation.system.spawn("stock") { Stock(left: 2) }
      _ = try await stock.ask { .take($0) }
    }
  }
}
