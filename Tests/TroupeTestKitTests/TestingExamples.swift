import TestSupport
import Testing
import Troupe
import TroupeTestKit

/// The code of `Docs/Testing.md`, which is compiled and run here.
@Suite struct TestingExamples {
  struct Warehouse: Behavior {
    enum Message: ~Copyable {
      case stock(Reply<Int>)
      case setStock(Int)
    }
    var stock = 10
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .stock(let reply): reply.send(stock)
      case .setStock(let amount): stock = amount
      }
    }
  }

  struct Clerk: AsyncBehavior {
    enum Message: ~Copyable { case sell(Reply<Void>) }
    let warehouse: Address<Warehouse.Message>
    mutating func receive(_ message: consuming Message, in context: Context<Message>) async throws {
      switch consume message {
      case .sell(let reply):
        let stock = try await warehouse.ask { .stock($0) }
        warehouse.send(.setStock(stock - 1))
        reply.send()
      }
    }
  }

  @Test func `a race, found`() {
    @Sendable func twoSales(_ simulation: Simulation) async throws {
      let warehouse = simulation.system.spawn("warehouse") { Warehouse() }
      let ann = simulation.system.spawn("ann") { Clerk(warehouse: warehouse) }
      let bob = simulation.system.spawn("bob") { Clerk(warehouse: warehouse) }
      async let first: Void = ann.ask { .sell($0) }
      async let second: Void = bob.ask { .sell($0) }
      _ = try await (first, second)
      let stock = try await warehouse.ask { .stock($0) }
      try simulation.expect(stock == 8, "2 were sold of 10, and \(stock) are left")
    }

    let failure = #expect(throws: ExplorationFailure.self) {
      try Simulation.explore(seeds: 0..<200, twoSales)
    }
    let text = failure?.description ?? ""
    #expect(text.contains("expectation: 2 were sold of 10, and 9 are left"))
    #expect(text.contains("sim/bob -> sim/warehouse: #"))
    #expect(failure?.command.hasSuffix("swift test --filter 'a race, found'") == true)
  }

  struct SafeWarehouse: Behavior {
    enum Message: ~Copyable {
      case stock(Reply<Int>)
      case sell(Reply<Bool>)
    }
    var stock = 10
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .stock(let reply): reply.send(stock)
      case .sell(let reply):
        if stock > 0 { stock -= 1 }
        reply.send(stock > 0)
      }
    }
  }

  @Test func `the fix`() throws {
    try Simulation.explore(seeds: 0..<200) { simulation in
      let warehouse = simulation.system.spawn("warehouse") { SafeWarehouse() }
      async let first = warehouse.ask { .sell($0) }
      async let second = warehouse.ask { .sell($0) }
      _ = try await (first, second)
      let stock = try await warehouse.ask { .stock($0) }
      try simulation.expect(stock == 8)
    }
  }

  struct Reminder: Behavior {
    enum Message: ~Copyable {
      case remind(String, after: Duration)
      case due(String)
    }
    let to: Address<String>
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .remind(let text, let delay): context.timers.once(text, after: delay, .due(text))
      case .due(let text): to.send(text)
      }
    }
  }

  @Test func `virtual time`() throws {
    let simulation = Simulation(seed: 1)
    let probe = simulation.probe(of: String.self)
    let reminder = simulation.system.spawn("reminder") { Reminder(to: probe.address) }
    reminder.send(.remind("tea", after: .seconds(3600)))
    try probe.expectNone(for: .seconds(3599))
    try probe.expect("tea", within: .seconds(1))
    try simulation.finish()
  }

  struct Ledger: Behavior {
    enum Message: ~Copyable {
      case add(Int)
      case sum(Reply<Int>)
    }
    var sum = 0
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .add(let amount): sum += amount
      case .sum(let reply): reply.send(sum)
      }
    }
  }

  @Test func `faults`() throws {
    var options = Simulation.Options()
    options.faults = [
      .failure(of: "sim/ledger", at: 2),  // its second message makes it throw
      .restart(chance: 0.05),  // any actor, at any message
      .lateTimers(by: .milliseconds(50)),
    ]
    try Simulation.explore(seeds: 0..<50, options: options) { simulation in
      let ledger = simulation.system.spawn("ledger") { Ledger() }
      for amount in 1...3 { ledger.send(.add(amount)) }
      let sum = try await ledger.ask { .sum($0) }
      // What was in the ledger when it failed is gone: it keeps nothing.
      try simulation.expect(sum <= 4)
    }
  }

  @Test func `one behavior`() throws {
    let simulation = Simulation(seed: 0)
    let probe = simulation.probe("inbox", of: String.self)
    let tester = BehaviorTester(simulation: simulation) { Reminder(to: probe.address) }
    #expect(tester.give(.remind("tea", after: .seconds(60))) == [.setTimer("tea", after: .seconds(60))])
    #expect(tester.effects(after: .seconds(60)) == [.sent("String", to: "sim/inbox")])
    try simulation.finish()
  }

  @Test func `the page's code is this file's`() throws {
    // The call that throws is tested above, and a manifest is no test.
    let others = ["try Simulation.explore(seeds: 0..<200, two", ".testTarget"]
    try expectCode(of: "Testing.md", atLeast: 51, except: others)
  }
}
