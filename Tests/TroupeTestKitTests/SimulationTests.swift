import Testing
import Troupe
import TroupeTestKit

/// Reads, thinks, writes: with two at a time an update is lost.
struct Stock: Behavior {
  enum Message: ~Copyable { case read(Reply<Int>), write(Int), take(Reply<Bool>) }
  var left: Int
  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .read(let reply): reply.send(left)
    case .write(let value): left = value
    case .take(let reply):
      if left > 0 { left -= 1 }
      reply.send(true)
    }
  }
}

struct Clerk: AsyncBehavior {
  enum Message: ~Copyable { case sell(Reply<Bool>) }
  let stock: Address<Stock.Message>
  mutating func receive(_ message: consuming Message, in context: Context<Message>) async throws {
    switch consume message {
    case .sell(let reply):
      let left = try await stock.ask { .read($0) }
      stock.send(.write(left - 1))
      reply.send(true)
    }
  }
}

@Suite struct SimulationTests {
  static func sell(_ simulation: Simulation) async throws {
    let stock = simulation.system.spawn("stock") { Stock(left: 10) }
    let a = simulation.system.spawn("a") { Clerk(stock: stock) }
    let b = simulation.system.spawn("b") { Clerk(stock: stock) }
    async let first = a.ask { .sell($0) }
    async let second = b.ask { .sell($0) }
    let sold = try await (first, second)
    let left = try await stock.ask { .read($0) }
    try simulation.expect(sold.0 && sold.1)
    try simulation.expect(left == 8, "\(left) are left")
  }

  @Test func `a lost update is found, and shortened to few choices`() throws {
    let failure = #expect(throws: ExplorationFailure.self) {
      try Simulation.explore(seeds: 0..<100, SimulationTests.sell)
    }
    print(failure.map { "\($0)" } ?? "")
  }

  @Test(arguments: 0..<UInt64(8)) func `the same seed gives the same history`(seed: UInt64) throws {
    func history() -> String {
      let simulation = Simulation(seed: seed)
      try? simulation.run { try await SimulationTests.sell(simulation) }
      return simulation.history.description
    }
    let first = history()
    #expect(first == history())
    #expect(first.contains("handles"))
  }

  final class Kept: Sendable {}
  enum Ending: CaseIterable { case finished, dropped, failed, explored }

  /// What a simulation holds, weakly: all of it goes with the simulation.
  private func remains(_ ending: Ending) throws -> [() -> AnyObject?] {
    let kept = Kept()
    let scenario: @Sendable (Simulation) async throws -> Void = { simulation in
      let actor = simulation.system.spawn("keeps", state: kept) { (_, message: consuming Int, context) in
        context.timers.once("far", after: .seconds(3600), message)
      }
      actor.send(1)
      let probe = simulation.probe(of: Int.self)
      probe.address.send(1)
      _ = try probe.next()
      if ending == .failed { throw Oops() }
    }
    if ending == .explored { try Simulation.explore(seeds: 0..<4, scenario) }
    let simulation = Simulation(seed: 1)
    try? simulation.run { try await scenario(simulation) }
    if ending != .dropped { try? simulation.finish() }
    return [{ [weak simulation] in simulation }, { [weak kept] in kept }]
  }

  @Test(arguments: Ending.allCases) func `a simulation leaves nothing behind`(ending: Ending) throws {
    let remains = try remains(ending)
    #expect(remains.allSatisfy { $0() == nil })
  }

  @Test func `an hour of virtual time`() throws {
    let simulation = Simulation(seed: 1)
    let probe = simulation.probe(of: Int.self)
    let task = simulation.start("sleeper") {
      for hour in 1...3 {
        try await simulation.sleep(for: .seconds(3600))
        probe.address.send(hour)
      }
    }
    try probe.expectNone(for: .seconds(3599))
    try probe.expect(1)
    try probe.expectNone()
    try task.value()
    simulation.runUntilIdle()
    #expect(probe.messages == [2, 3])
    #expect(simulation.now == .seconds(3 * 3600))
    try simulation.finish()
  }
}
