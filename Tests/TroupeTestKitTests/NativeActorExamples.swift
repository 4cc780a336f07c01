import Synchronization
import TestSupport
import Testing
import Troupe
import TroupeTestKit

/// The code of `Docs/NativeActors.md`, which is compiled and run here.
@Suite struct NativeActorExamples {
  actor Inventory {
    private nonisolated let executor: TroupeExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private var left = ["tea": 2]

    init(in system: ActorSystem) { executor = system.serialExecutor("inventory") }

    func take(_ item: String) -> Bool {
      guard let count = left[item], count > 0 else { return false }
      left[item] = count - 1
      return true
    }
  }

  struct Orders: AsyncBehavior {
    enum Message: ~Copyable { case order(String, Reply<Bool>) }
    let inventory: Inventory
    mutating func receive(_ message: consuming Message, in context: Context<Message>) async throws {
      switch consume message {
      case .order(let item, let reply): reply.send(await inventory.take(item))
      }
    }
  }

  actor Till {
    private nonisolated let executor: TroupeExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private let orders: Address<Orders.Message>
    private(set) var sold = 0

    init(in system: ActorSystem, orders: Address<Orders.Message>) {
      executor = system.serialExecutor("till", highWater: 1000)
      self.orders = orders
    }

    func sell(_ item: String) async throws {
      if try await orders.ask({ .order(item, $0) }) { sold += 1 }
    }
  }

  actor PageCounter {
    private nonisolated let executor: TroupeExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private var count = 0

    init(on executor: TroupeExecutor) { self.executor = executor }

    func add() -> Int {
      count += 1
      return count
    }

    /// Enqueues so many jobs of this actor before any of them can run.
    func addLater(_ times: Int) { for _ in 0..<times { Task { _ = self.add() } } }
  }

  @globalActor actor Journal {
    static let shared = Journal()
    static let system = ActorSystem("journal")
    private static let executor = system.serialExecutor("journal")
    nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }
  }

  final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ line: String) { lines.withLock { $0.append(line) } }
    func record(_ line: String) { append(line) }
    var all: [String] { lines.withLock { $0 } }
  }

  @Test func `the page's code is this file's`() throws {
    try expectCode(of: "NativeActors.md", atLeast: 55)
  }

  @Test func `half converted`() async throws {
    let system = ActorSystem("shop", options: .init(log: { _ in }))
    let inventory = Inventory(in: system)
    let orders = system.spawn("orders") { Orders(inventory: inventory) }
    let till = Till(in: system, orders: orders)
    try await till.sell("tea")
    for _ in 0..<2 { try await till.sell("tea") }
    #expect(await till.sold == 2)
    #expect(system.snapshot().executors.map(\.name) == ["inventory", "till"])
    await system.shutdown()
  }

  @concurrent func take(_ count: Int, _ item: String, from inventory: Inventory) async -> Int {
    var taken = 0
    for _ in 0..<count { taken += await inventory.take(item) ? 1 : 0 }
    return taken
  }

  @Test func `a loop of calls from a task`() async {
    let system = ActorSystem("shop", options: .init(log: { _ in }))
    let inventory = Inventory(in: system)
    let taken = await system.task { await take(10, "tea", from: inventory) }.value
    #expect(taken == 2)
    await system.shutdown()
  }

  @Test func `one executor for several actors`() async {
    let system = ActorSystem("shop", options: .init(log: { _ in }))
    let executor = system.serialExecutor("counters")
    let counters = (0..<10).map { _ in PageCounter(on: executor) }
    for counter in counters { #expect(await counter.add() == 1) }
    await system.shutdown()
  }

  @Test func `a global actor`() async {
    let lines = Lines()
    for number in 1...10 { Task { @Journal in lines.append("line \(number)") } }
    // This task comes after the others, as it is enqueued after them.
    await Task { @Journal in }.value
    #expect(lines.all == (1...10).map { "line \($0)" })
  }

  @Test func `a backlog`() async {
    let alarms = Lines()
    var options = ActorSystem.Options(workers: 1, highWater: 5, log: { _ in })
    options.observer = { event in
      if case .backlog(let executor, let jobs) = event { alarms.record("\(executor): \(jobs)") }
    }
    let system = ActorSystem("shop", options: options)
    let executor = system.serialExecutor("counter")
    let counter = PageCounter(on: executor)
    await counter.addLater(4)
    // The last of these jobs may still be under way, and nothing else tells when it has ended.
    while executor.jobCount > 0 { await Task.yield() }
    #expect(await counter.add() == 5)
    #expect(alarms.all.isEmpty)
    await counter.addLater(7)
    #expect(alarms.all == ["counter: 5"])
    await system.shutdown()
  }

  @Test func `in a simulation`() throws {
    try Simulation.explore(seeds: 0..<100) { simulation in
      let inventory = Inventory(in: simulation.system)
      let orders = simulation.system.spawn("orders") { Orders(inventory: inventory) }
      let till = Till(in: simulation.system, orders: orders)
      async let first: Void = till.sell("tea")
      async let second: Void = till.sell("tea")
      _ = try await (first, second)
      try simulation.expect(await till.sold == 2)
    }
  }
}
