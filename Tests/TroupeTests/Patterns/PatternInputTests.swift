import TestSupport
import Testing
import Troupe

@Suite(.serialized) struct PatternInputTests {
  private func expectMessage(_ result: ExitTest.Result?, _ part: String) {
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains(part), "\(text)")
  }

  @Test func `a pool without workers stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = PoolRouter(in: ActorSystem("x"), size: 0) { Oracle() }
    }
    expectMessage(result, "a pool must have at least 1 worker, not 0")
    let resized = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      PoolRouter(in: ActorSystem("x"), size: 1) { Oracle() }.resize(to: -1)
    }
    expectMessage(resized, "a pool must have at least 1 worker, not -1")
  }

  @Test func `bad figures stop the program`() async {
    let ring = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = RoutingStrategy<Int>.consistentHashing(virtualNodes: 0) { $0 }
    }
    expectMessage(ring, "a hash ring needs at least 1 virtual node, not 0")
    let queue = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = WorkQueue<Int>(in: ActorSystem("x"), capacity: 0)
    }
    expectMessage(queue, "the capacity of a work queue must be at least 1, and is 0")
    let throttle = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let system = ActorSystem("x")
      let oracle = system.spawn { Oracle() }
      _ = Throttle(in: system, to: oracle, rate: 0)
    }
    expectMessage(throttle, "a throttle needs a rate and a burst of at least 1 and a period above 0")
    let breaker = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = CircuitBreaker(in: ActorSystem("x"), options: .init(maxFailures: 0))
    }
    expectMessage(breaker, "a circuit breaker needs at least 1 failure and 1 trial")
    let sum = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let system = ActorSystem("x")
      let sink = system.spawn(state: 0) { (_, _: consuming Aggregation<Int>, _) in }
      _ = Aggregator<Int>(in: system, expecting: -1, within: nil, to: sink)
    }
    expectMessage(sum, "expects must not be negative, and is -1")
  }

  @Test(arguments: 0..<UInt64(8)) func `pendingCount counts what waits, and is 0 when idle or ended`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let mailbox: MailboxOptions = seed % 2 == 0 ? .unbounded : .bounded(100)
    let within = Trail<Int>()
    let actor = sim.system.spawn(options: SpawnOptions(mailbox: mailbox), state: within) {
      (within, n: consuming Int, context) in
      within.append(context.address.pendingCount)
    }
    let adapter: Address<String> = actor.contramap { $0.count }
    sim.run()
    #expect(actor.pendingCount == 0)
    for n in 0..<20 {
      actor.send(n)
      #expect(actor.pendingCount == n + 1)
    }
    #expect(adapter.pendingCount == 20)
    sim.run()
    #expect(actor.pendingCount == 0)
    #expect(within.all == (0..<19).reversed().map { $0 + 1 } + [1])
    sim.system.stop(actor)
    sim.run()
    #expect(actor.pendingCount == 0)
    sim.end()
  }

  @Test func `an actor's identity is that of its adapters and its termination, and never another one's`() {
    let sim = Simulation(seed: 1)
    let first = sim.system.spawn("a", state: 0) { (_, _: consuming Int, _) in }
    let adapter: Address<String> = first.contramap { $0.count }
    #expect(adapter.actor == first.actor && adapter.contramap { (n: Int) in "\(n)" }.actor == first.actor)
    sim.run()
    sim.system.stop(first)
    let end = sim.start { await first.termination.actor }
    sim.run()
    let second = sim.system.spawn("a", state: 0) { (_, _: consuming Int, _) in }
    #expect(end.value == first.actor)
    #expect(second.path == first.path && second.actor != first.actor)
    sim.end()
  }

  @Test func `a context knows its system and the time, which is virtual here`() {
    let sim = Simulation(seed: 1)
    let times = Trail<Duration>()
    let actor = sim.system.spawn(state: times) { (times, _: consuming Int, context) in
      times.append(context.now)
      context.system.stop(context.address)
      context.deadLetter("nobody wants it")
    }
    sim.advance(by: .seconds(3))
    actor.send(1)
    sim.run()
    let end = sim.start { await actor.termination.kind }
    sim.run()
    #expect(end.value == "stopped")
    #expect(times.all == [.seconds(4)])
    #expect(sim.letters.all.map(\.reason) == [.undeliverable])
    #expect(sim.letters.all.map(\.messageType) == ["String"])
    sim.end()
  }
}
