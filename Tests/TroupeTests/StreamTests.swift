import Synchronization
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct StreamTests {
  /// Numbers, which count how many have been taken; then the end, or an error.
  struct Numbers: AsyncSequence, Sendable {
    let count: Int
    let taken: Counter
    var error: Oops?
    struct Iterator: AsyncIteratorProtocol {
      let numbers: Numbers
      var next = 0
      mutating func next() async throws -> Int? { try await next(isolation: nil) }
      mutating func next(isolation actor: isolated (any Actor)?) async throws(Oops) -> Int? {
        if next == numbers.count {
          if let error = numbers.error { throw error }
          return nil
        }
        next += 1
        numbers.taken.add()
        return next
      }
    }
    func makeAsyncIterator() -> Iterator { Iterator(numbers: self) }
  }

  struct Reader: Behavior {
    enum Message: Sendable { case start(Numbers, demand: Int), event(StreamEvent<Int>), cancel, other }
    let trail: Trail<String>
    var subscription: StreamSubscription?
    mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
      switch consume message {
      case .start(let numbers, let demand): subscription = context.consume(numbers, demand: demand) { .event($0) }
      case .event(.element(let n)):
        if n < 0 { throw Oops() }
        trail.append("\(n)")
      case .event(.finished): trail.append("end")
      case .event(.failed(let error)): trail.append("\(error)")
      case .cancel: subscription?.cancel()
      case .other: trail.append("other")
      }
    }
  }

  @Test(arguments: 0..<UInt64(16), [1, 2, 100]) func `elements in order, then the end`(seed: UInt64, demand: Int) {
    let sim = Simulation(seed: seed)
    let trail = Trail<String>()
    let reader = sim.system.spawn("reader") { Reader(trail: trail) }
    reader.send(.start(Numbers(count: 50, taken: Counter()), demand: demand))
    sim.run()
    #expect(trail.all == (1...50).map { "\($0)" } + ["end"])
    sim.end()
    #expect(sim.letters.all.isEmpty)
  }

  @Test func `an error of the stream comes after its elements`() {
    let sim = Simulation(seed: 1)
    let trail = Trail<String>()
    let reader = sim.system.spawn("reader") { Reader(trail: trail) }
    reader.send(.start(Numbers(count: 2, taken: Counter(), error: Oops(7)), demand: 4))
    sim.run()
    #expect(trail.all == ["1", "2", "Oops(id: 7)"])
    sim.end()
  }

  @Test(arguments: [1, 3, 16]) func `an actor that does not read takes no more than its demand`(demand: Int) {
    let sim = Simulation(seed: 2)
    let trail = Trail<String>()
    let taken = Counter()
    let reader = sim.system.spawn("reader", options: SpawnOptions(mailbox: .bounded(1))) { Reader(trail: trail) }
    reader.send(.start(Numbers(count: 1000, taken: taken), demand: demand))
    while taken.value == 0 { _ = sim.scheduler.step() }
    sim.system.suspend(reader)
    sim.run()
    let before = trail.count
    #expect(taken.value <= before + demand)
    #expect(taken.value > before)
    sim.system.resume(reader)
    sim.run()
    #expect(trail.count == 1001)
    sim.end()
  }

  @Test(arguments: 0..<UInt64(16)) func `cancelled, it takes no more, and tells no end`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let trail = Trail<String>()
    let taken = Counter()
    let reader = sim.system.spawn("reader") { Reader(trail: trail) }
    reader.send(.start(Numbers(count: 1_000_000, taken: taken), demand: 2))
    while taken.value < 5 { _ = sim.scheduler.step() }
    reader.send(.cancel)
    sim.run()
    #expect(taken.value < 1_000_000)
    #expect(trail.all == (1...taken.value).map { "\($0)" })
    sim.end()
    #expect(sim.letters.all.isEmpty)
  }

  @Test func `the end of the actor cancels the stream, and what was on its way is a dead letter`() {
    let sim = Simulation(seed: 3)
    let trail = Trail<String>()
    let taken = Counter()
    let reader = sim.system.spawn("reader") { Reader(trail: trail) }
    reader.send(.start(Numbers(count: 1_000_000, taken: taken), demand: 8))
    while taken.value < 20 { _ = sim.scheduler.step() }
    sim.system.suspend(reader)
    sim.run()
    let (before, handled) = (taken.value, trail.count)
    sim.system.stop(reader)
    sim.run()
    #expect(taken.value == before)
    #expect(sim.system.counts.deadLetters == (before > handled ? [.queuedAtEnd: before - handled] : [:]))
    sim.end()
  }

  @Test func `a stream survives a restart`() {
    let sim = Simulation(seed: 4, supervision: .restart())
    let trail = Trail<String>()
    let reader = sim.system.spawn("reader") { Reader(trail: trail) }
    reader.send(.start(Numbers(count: 10, taken: Counter()), demand: 2))
    while trail.count < 3 { _ = sim.scheduler.step() }
    reader.send(.event(.element(-1)))
    sim.run()
    sim.advance(by: .seconds(60))
    #expect(trail.all == (1...10).map { "\($0)" } + ["end"])
    sim.end()
  }

  // MARK: Out

  @Test func `what is sent to an outlet comes out in order, then the end`() async {
    let pool = Pooled(workers: 2)
    let outlet = Outlet<Int>(in: pool.system, "out", buffer: 4)
    let address = outlet.address
    let system = pool.system
    let n = Scale.count(2000)
    let sender = system.task {
      for i in 0..<n { _ = await address.deliver(i) }
      system.stop(address, .drain)
    }
    var seen: [Int] = []
    for await number in outlet { seen.append(number) }
    #expect(seen == Array(0..<n))
    await sender.value
    await pool.end()
    #expect(pool.letters.all.isEmpty)
  }

  @Test func `an outlet whose reader has gone stops`() async {
    let pool = Pooled(workers: 2)
    let address = await { () async -> Address<Int> in
      let outlet = Outlet<Int>(in: pool.system, "out", buffer: 4)
      outlet.address.send(1)
      for await number in outlet {
        #expect(number == 1)
        break
      }
      return outlet.address
    }()
    #expect(await address.termination.kind == "stopped")
    await pool.end()
  }

  @Test func `a reader that is slow bounds what is on its way`() async {
    let pool = Pooled(workers: 2)
    let outlet = Outlet<Int>(in: pool.system, "out", buffer: 2)
    let address = outlet.address
    var accepted = 0
    // Two in the channel, one in hand, two in the mailbox.
    var refusals = 0
    while refusals < 1000 {
      if case .sent = address.trySend(accepted) { accepted += 1 } else { refusals += 1 }
      await Task.yield()
    }
    #expect(accepted <= 5)
    pool.system.stop(address, .drain)
    var seen = 0
    for await number in outlet {
      #expect(number == seen)
      seen += 1
    }
    #expect(seen == accepted)
    await pool.end()
  }
}
