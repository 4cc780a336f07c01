import Synchronization
import Testing
import Troupe
import TroupeTestKit

/// An actor of the language in a simulation. Its method is reentrant where it asks.
private actor Till {
  private nonisolated let executor: TroupeExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private let bank: Address<Reply<Int>>
  private(set) var steps: [String] = []
  private(set) var cents = 0

  init(in system: ActorSystem, bank: Address<Reply<Int>>) {
    executor = system.serialExecutor("till")
    self.bank = bank
  }

  func pay(_ customer: Int) async throws {
    steps.append("\(customer) begins")
    let before = cents
    let fee = try await bank.ask { $0 }
    steps.append("\(customer) ends")
    cents = before + 100 - fee
  }
}

private struct Fees: Behavior {
  mutating func receive(_ message: consuming Reply<Int>, in context: Context<Reply<Int>>) { message.send(1) }
}

@Suite struct NativeActorTests {
  private static func pay(_ simulation: Simulation, _ steps: @Sendable ([String]) -> Void = { _ in }) async throws {
    let till = Till(in: simulation.system, bank: simulation.system.spawn("fees") { Fees() })
    try await withThrowingTaskGroup(of: Void.self) { group in
      for customer in 0..<4 { group.addTask { try await till.pay(customer) } }
      try await group.waitForAll()
    }
    steps(await till.steps)
    let cents = await till.cents
    try simulation.expect(cents == 4 * 99, "\(cents) cents")
  }

  private func steps(_ seed: UInt64) throws -> [String] {
    let trail = Mutex<[String]>([])
    let simulation = Simulation(seed: seed)
    try? simulation.run { try await Self.pay(simulation) { steps in trail.withLock { $0 = steps } } }
    // Nothing has come from another thread, and nothing waits.
    try simulation.finish()
    return trail.withLock { $0 }
  }

  @Test func `the same seed gives the same order of a native actor's jobs, and others give others`() throws {
    var orders: Set<[String]> = []
    for seed in 0..<UInt64(16) {
      let order = try steps(seed)
      #expect(order.count == 8)
      #expect(try steps(seed) == order)
      orders.insert(order)
    }
    #expect(orders.count > 4)
  }

  @Test func `an update that a native actor loses at an await is found, and is found again`() throws {
    let failure = try #require(
      #expect(throws: ExplorationFailure.self) {
        try Simulation.explore(seeds: 0..<100) { try await Self.pay($0) }
      })
    #expect("\(failure)".contains("cents"))
  }

  @Test(arguments: 0..<UInt64(8))
  func `a native actor is one actor to the strategy of priorities`(seed: UInt64) throws {
    func history() throws -> String {
      let simulation = Simulation(seed: seed, options: .init(strategy: .priorities()))
      try? simulation.run { try await Self.pay(simulation) }
      try simulation.finish()
      return simulation.history.description
    }
    #expect(try history() == history())
  }

  @Test func `a job of a native actor runs while the simulation is driven, also after its shutdown`() async throws {
    let simulation = Simulation(seed: 1)
    let till = Till(in: simulation.system, bank: simulation.system.spawn("fees") { Fees() })
    try simulation.finish()
    let isDone = Mutex(false)
    simulation.start {
      let cents = await till.cents
      isDone.withLock { $0 = cents == 0 }
    }
    #expect(!isDone.withLock { $0 })
    simulation.runUntilIdle()
    #expect(isDone.withLock { $0 })
  }
}
