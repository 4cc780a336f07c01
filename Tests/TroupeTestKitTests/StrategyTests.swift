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
    let coverage = try Simulation.exploreAll(preemptions: 2) { simulation in
      let stock = simulation.system.spawn("stock") { Stock(left: 2) }
      async let a = stock.ask { .take($0) }
      async let b = stock.ask { .take($0) }
      let taken = try await (a, b)
      let left = try await stock.ask { .read($0) }
      try simulation.expect(taken.0 && taken.1 && left == 0)
    }
    #expect(coverage.isComplete)
    #expect(coverage.runs > 10)
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
