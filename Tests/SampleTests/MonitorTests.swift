import Testing
import Troupe
import TroupeTestKit

@testable import Monitor

struct MonitorTests {
  @Test func `the reports go on after a reading that failed`() throws {
    var options = Simulation.Options()
    options.faults = [.failure(of: "sim/sampler", at: 2)]  // its second message makes it throw
    let simulation = Simulation(seed: 1, options: options)
    let console = simulation.probe("console", of: String.self)
    startMonitor(in: simulation.system, output: console.address) { 1.5 }
    try console.expectNone(for: .milliseconds(4999))
    try console.expect("average load 1.5", within: .milliseconds(2))
    #expect(simulation.system.counts.restarts == 1)
    try simulation.finish()
  }

  @Test func `there is no average without readings`() throws {
    let simulation = Simulation(seed: 1)
    let records = simulation.system.spawn("records") { Records() }
    #expect(throws: AskError.self) {
      try simulation.run { try await records.ask { .average($0) } }
    }
    try simulation.finish()
  }
}
