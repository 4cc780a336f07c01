import Testing
import Troupe
import TroupeTestKit

/// Faults come where the plan says, and from the seed where it gives a chance.
@Suite struct FaultTests {
  static func sum(_ options: Simulation.Options, capacity: Int = 0, seed: UInt64 = 1) throws -> [Int] {
    let simulation = Simulation(seed: seed, options: options)
    let probe = simulation.probe(of: Int.self)
    let out = probe.address
    let actor = simulation.system.spawn(
      "a", options: SpawnOptions(mailbox: capacity == 0 ? .unbounded : .bounded(capacity)), state: 0
    ) { (sum: inout Int, message: consuming Int, _) in
      sum += message
      out.send(sum)
    }
    for _ in 1...5 { actor.send(1) }
    simulation.advance(by: .seconds(60))
    let sums = probe.messages
    try simulation.finish()
    return sums
  }

  @Test func `a handler throws at its third message`() throws {
    #expect(try FaultTests.sum(.init(faults: [.failure(of: "sim/a", at: 3)])) == [1, 2, 1, 2])
    #expect(throws: SimulationFailure.self) {
      try FaultTests.sum(.init(faults: [.failure(of: "sim/a", at: 3, with: Oops())]))
    }
  }

  @Test func `an actor is stopped, restarted, or has no room`() throws {
    #expect(try FaultTests.sum(.init(faults: [.stop(of: "sim/a", at: 2)])) == [1, 2])
    #expect(try FaultTests.sum(.init(faults: [.restart(of: "sim/a", at: 2)])) == [1, 2, 1, 2, 3])
    #expect(try FaultTests.sum(.init(faults: [.fullMailbox(of: "sim/a", at: 2)]), capacity: 9) == [1, 2, 3, 4])
    #expect(try FaultTests.sum(.init(faults: [.fullMailbox(of: "sim/a", at: 2)])) == [1, 2, 3, 4, 5])
  }

  @Test func `chance comes from the seed`() throws {
    let options = Simulation.Options(faults: [.failure(chance: 0.3)], supervision: .resume)
    let runs = try (0..<20).map { try FaultTests.sum(options, seed: $0).count }
    let again = try (0..<20).map { try FaultTests.sum(options, seed: $0).count }
    #expect(runs == again)
    #expect(Set(runs).count > 1)
  }

  @Test func `timers are late`() throws {
    let simulation = Simulation(seed: 5, options: .init(faults: [.lateTimers(by: .milliseconds(100))]))
    let probe = simulation.probe(of: Duration.self)
    let out = probe.address
    let actor = simulation.system.spawn("a", state: 0) { (_, message: consuming Int, context: Context<Int>) in
      if message == 0 { context.timers.once("t", after: .seconds(1), 1) } else { out.send(simulation.now) }
    }
    actor.send(0)
    let time = try probe.next()
    #expect(time > .seconds(1) && time < .milliseconds(1100))
    try simulation.finish()
  }

  @Test func `a task is cancelled`() throws {
    let simulation = Simulation(seed: 5, options: .init(faults: [.cancelledTask("worker", at: 2)]))
    let task = simulation.start("worker") { try await simulation.sleep(for: .seconds(10)) }
    let other = simulation.start("other") { for _ in 0..<10 { try await simulation.sleep(for: .milliseconds(1)) } }
    #expect(throws: CancellationError.self) { try task.value() }
    #expect(simulation.now < .seconds(1))
    try other.value()
    try simulation.finish()
  }

  @Test(arguments: 0..<UInt64(10)) func `deliveries are late, in order or not`(seed: UInt64) throws {
    let simulation = Simulation(seed: seed)
    let probe = simulation.probe(of: Int.self)
    let slow = simulation.delayed(probe.address, by: .milliseconds(10) ... .milliseconds(500))
    for i in 1...20 { slow.send(i) }
    try probe.expectNone(for: .milliseconds(9))
    for i in 1...20 { try probe.expect(i, within: .milliseconds(500)) }
    let loose = simulation.delayed(probe.address, by: .milliseconds(10) ... .milliseconds(500), keepsOrder: false)
    for i in 1...20 { loose.send(i) }
    simulation.advance(by: .seconds(1))
    #expect(probe.messages != Array(1...20))
    #expect(probe.messages.sorted() == Array(1...20))
    try simulation.finish()
  }
}
