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

  /// Each in a process of its own, where a signal that is lost would leave a program that never ends.
  @Test(.timeLimit(.minutes(5)))
  func `Ctrl-C ends the program with success from the moment on in which it does not kill it`() async throws {
    for _ in 0..<20 {
      let program = try Program("Monitor", [])
      try await program.waitUntilItCatchesInterrupt()
      program.interrupt()
      #expect(try await program.result().exitCode == 0)
    }
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
