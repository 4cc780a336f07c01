import TestSupport
import Testing
import Troupe

/// The code of `Docs/Patterns.md`, which is compiled and run here.
@Suite(.spins) struct PatternExamples {
  struct Resizer: Behavior {
    enum Message: ~Copyable { case resize(Int, Reply<Int>) }
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .resize(let size, let reply): reply.send(size / 2)
      }
    }
  }

  @Test func `pool router`() async throws {
    let system = ActorSystem("docs")
    let pool = PoolRouter(in: system, "resizers", size: 4, strategy: .leastLoaded) { Resizer() }
    let half = try await pool.address.ask { .resize(8, $0) }
    pool.resize(to: 8)
    #expect(half == 4)
    await system.shutdown()
  }

  struct Order: Sendable { let customer: String }

  @Test func `a strategy with a key`() async throws {
    let system = ActorSystem("docs")
    let seen = Countdown(2)
    let pool = PoolRouter(
      in: system, "orders", size: 4, strategy: .consistentHashing { (order: borrowing Order) in order.customer }
    ) {
      Taker(seen: seen)
    }
    pool.address.send(Order(customer: "Ada"))
    pool.address.send(Order(customer: "Ada"))  // the same worker, in order
    await seen.wait()
    await system.shutdown()
  }
  struct Taker: Behavior {
    let seen: Countdown
    mutating func receive(_ message: consuming Order, in context: Context<Order>) { seen.down() }
  }

  struct Shop: Behavior {
    let price: Int
    mutating func receive(
      _ message: consuming ServiceRequest<String, Int>, in context: Context<ServiceRequest<String, Int>>
    ) {
      message.answer(price)
    }
  }

  @Test func `receptionist, group router, first answer`() async throws {
    let system = ActorSystem("docs")
    let shops = ServiceKey<ServiceRequest<String, Int>>("shops")
    for price in [3, 4] { system.receptionist.register(system.spawn { Shop(price: price) }, as: shops) }

    let found = try await system.receptionist.find(shops)
    let group = GroupRouter(in: system, "shops", key: shops, strategy: .scatterGatherFirst(within: .seconds(1)))
    let price = try await group.address.ask { ServiceRequest("tea", $0) }
    #expect(found.count == 2 && [3, 4].contains(price))
    await system.shutdown()
  }

  struct Watcher: Behavior {
    enum Message: Sendable { case shops(Listing<ServiceRequest<String, Int>>), price(Price) }
    let seen: Countdown
    mutating func started(in context: Context<Message>) {
      let shops = ServiceKey<ServiceRequest<String, Int>>("shops")
      context.system.receptionist.subscribe(context.address.contramap { .shops($0) }, to: shops)
    }
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch message {
      case .shops(let listing): context.log("\(listing.addresses.count) shops")
      case .price(let price): context.log("\(price.symbol) costs \(price.amount)")
      }
      seen.down()
    }
  }

  struct Price: Sendable {
    let symbol: String
    let amount: Int
  }

  @Test func `event stream, and a subscriber of the receptionist`() async throws {
    let system = ActorSystem("docs", options: .init(log: { _ in }))
    let seen = Countdown(2)
    let watcher = system.spawn { Watcher(seen: seen) }
    let prices = EventStream<Price>(in: system, "prices")
    prices.subscribe(watcher.contramap { .price($0) }, where: { $0.symbol == "TEA" })
    prices.publish(Price(symbol: "TEA", amount: 7))
    prices.publish(Price(symbol: "OIL", amount: 80))
    await seen.wait()
    await system.shutdown()
  }

  struct Worker: Behavior {
    let jobs: WorkQueue<String>
    let done: Countdown
    mutating func started(in context: Context<String>) { jobs.pull(into: context.address) }
    mutating func receive(_ job: consuming String, in context: Context<String>) {
      done.down()
      jobs.pull(into: context.address)  // one piece of work at a time
    }
  }

  @Test func `work pulling`() async throws {
    let system = ActorSystem("docs")
    let done = Countdown(100)
    let jobs = WorkQueue<String>(in: system, "jobs", capacity: 10)
    for _ in 0..<3 { system.spawn { Worker(jobs: jobs, done: done) } }
    for n in 0..<100 { try await jobs.add("job \(n)").get() }  // waits while ten are queued
    jobs.close()
    await done.wait()
    _ = await jobs.termination
    await system.shutdown()
  }

  @Test func `circuit breaker`() async throws {
    let system = ActorSystem("docs", options: .init(log: { _ in }))
    let resizer = system.spawn { Resizer() }
    let breaker = CircuitBreaker(in: system, "resizer", options: .init(maxFailures: 3, resetTimeout: .seconds(10)))
    do throws(CircuitBreakerError) {
      let half = try await breaker.ask(resizer) { .resize(8, $0) }
      #expect(half == 4)
    } catch {
      switch error {
      case .open(let retryAfter): print("not asked; try again in \(retryAfter)")
      case .failed(let error): print(error)
      }
    }
    await system.shutdown()
  }

  @Test func `throttle`() async throws {
    let system = ActorSystem("docs")
    let seen = Countdown(20)
    let mailer = system.spawn { Taker(seen: seen) }
    let slow = Throttle(
      in: system, to: mailer, rate: 1000, per: .seconds(1), burst: 10, options: SpawnOptions(mailbox: .bounded(5)))
    for _ in 0..<20 {
      _ = await slow.address.deliver(Order(customer: "Ada"))  // waits while five are queued
    }
    await seen.wait()
    await system.shutdown()
  }

  @Test func `aggregator, and asking all`() async throws {
    let system = ActorSystem("docs")
    let seen = Countdown(2)
    let receiver = system.spawn(state: 0) { (_, text: consuming String, context) in seen.down() }
    let resizers = (0..<3).map { _ in system.spawn { Resizer() } }

    let sum = Aggregator<Int>(
      in: system, expecting: 3, within: .seconds(1),
      to: receiver.contramap { result in "\(result.values.reduce(0, +)), complete: \(result.isComplete)" })
    for n in 1...3 { sum.address.send(n) }

    system.askAll(resizers, to: receiver.contramap { (answers: [Result<Int, AskError>]) in "\(answers)" }) {
      .resize(8, $0)
    }
    await seen.wait()
    await system.shutdown()
  }

  @Test func `the code of the page is the code of this file`() throws {
    try DocPage("Patterns.md").expectCode(atLeast: 8)
  }
}
