import TestSupport
import Testing
import Troupe

@Suite(.spins) struct AskTimeTests {
  /// Keeps the reply, and the worker until the deadline has passed: a timer that fires while the ask is about to wait.
  struct KeepsLong: Behavior, ~Copyable {
    var kept = PendingReplies<Int, Int>()
    mutating func receive(_ reply: consuming Reply<Int>, in context: Context<Reply<Int>>) {
      while let left = reply.timeLeft, left > .zero {}
      _ = kept.insert(reply, for: kept.count)
    }
  }

  @Test func `an ask times out on the system's clock, no earlier than asked`() {
    let sim = Simulation(seed: 1)
    let oracle = sim.system.spawn { Oracle() }
    let asks = [(3, Duration.seconds(3)), (1, .seconds(1)), (2, .milliseconds(2000))].map { n, timeout in
      (n, sim.start { try await oracle.ask(timeout: timeout) { .keep($0) } as Int })
    }
    let byDefault = sim.start { try await oracle.ask { .keep($0) } as Int }
    let forEver = sim.start { try await oracle.ask(timeout: nil) { .keep($0) } as Int }
    sim.run()
    for second in 1...3 {
      sim.advance(by: .milliseconds(999))
      for (n, ask) in asks { #expect(ask.isOver == (n < second), "ask of \(n) s just before \(second) s") }
      sim.advance(by: .milliseconds(1))
      for (n, ask) in asks { #expect(ask.isOver == (n <= second), "ask of \(n) s at \(second) s") }
    }
    sim.advance(by: .milliseconds(1999))
    #expect(!byDefault.isOver)
    sim.advance(by: .milliseconds(1))
    #expect(byDefault.askError?.kind == "timedOut")
    #expect(asks.allSatisfy { $0.1.askError?.kind == "timedOut" })
    if case .timedOut(let timeout) = asks[0].1.askError?.reason { #expect(timeout == .seconds(3)) }
    sim.advance(by: .seconds(1_000_000))
    #expect(!forEver.isOver)
    oracle.send(.answerKept(11))
    sim.run()
    #expect(forEver.value == 11)
    sim.end()
  }

  @Test func `an ask whose time is over before it waits ends all the same`() async {
    let pool = Pooled(workers: 2)
    let actor = pool.system.spawn { KeepsLong() }
    for _ in 0..<Scale.count(50) {
      let ask = pool.system.task { () async -> String in
        do throws(AskError) {
          return "\(try await actor.ask(timeout: .microseconds(1)) { $0 } as Int)"
        } catch { return error.kind }
      }
      #expect(await ask.value == "timedOut")
    }
    await pool.end()
  }

  @Test func `a timeout of zero or less fails at once after sending`() async {
    let sim = Simulation(seed: 2)
    let oracle = sim.system.spawn { Oracle() }
    for timeout in [Duration.zero, .seconds(-1), .seconds(Int64.min), .nanoseconds(-1)] {
      let ask = sim.start { try await oracle.ask(timeout: timeout) { .double(1, $0) } as Int }
      // Only the asking task: nothing has run the actor, so the answer cannot be there.
      while !ask.isOver { guard sim.scheduler.step() else { break } }
      #expect(ask.value == 2 || ask.askError?.kind == "timedOut")
    }
    sim.run()
    #expect(sim.system.counts.handled == 4)
    sim.end()
    let pool = Pooled()
    let real = pool.system.spawn { Oracle() }
    let kind = await TestThread { () -> String in
      do throws(AskError) {
        _ = try real.ask(timeout: .seconds(-1)) { .keep($0) } as Int
        return "answered"
      } catch { return error.kind }
    }.value
    #expect(kind == "timedOut")
    await pool.end()
  }

  @Test func `an enormous timeout neither overflows nor ends early`() async {
    let sim = Simulation(seed: 3)
    let oracle = sim.system.spawn { Oracle() }
    let timeouts: [Duration] = [
      .seconds(Int64.max), .nanoseconds(Int64.max), .seconds(9_223_372_035), .seconds(1 << 40),
    ]
    let asks = timeouts.map { timeout in sim.start { try await oracle.ask(timeout: timeout) { .keep($0) } as Int } }
    sim.advance(by: .seconds(1000))
    #expect(asks.allSatisfy { !$0.isOver })
    oracle.send(.answerKept(3))
    sim.run()
    #expect(asks.allSatisfy { $0.value == 3 })
    sim.end()
    let pool = Pooled()
    let real = pool.system.spawn { Oracle() }
    for timeout in timeouts {
      let answer = try? await real.ask(timeout: timeout) { .double(5, $0) } as Int
      let onThread = await TestThread { try? real.ask(timeout: timeout) { .double(5, $0) } as Int }.value
      #expect(answer == 10 && onThread == 10)
    }
    await pool.end()
  }

  @Test func `a real ask times out no earlier than asked`() async {
    let pool = Pooled()
    let oracle = pool.system.spawn { Oracle() }
    let clock = ContinuousClock()
    for milliseconds in [1, 5, 17, 40] {
      let timeout = Duration.milliseconds(milliseconds)
      let start = clock.now
      let error = await failureOf { () async throws(AskError) in
        try await oracle.ask(timeout: timeout) { .keep($0) } as Int
      }
      #expect(error?.kind == "timedOut")
      #expect(clock.now - start >= timeout)
      let isLate = await TestThread { () -> Bool in
        let start = ContinuousClock().now
        _ = try? oracle.ask(timeout: timeout) { .keep($0) } as Int
        return ContinuousClock().now - start >= timeout
      }.value
      #expect(isLate)
    }
    // The actor can tell whose ask is over.
    let abandoned = try? await oracle.ask { .abandoned($0) } as Int
    #expect(abandoned == 8)
    await pool.end()
  }

  @Test func `an ask whose task is cancelled ends, before it waits and while it does`() async {
    let pool = Pooled()
    let oracle = pool.system.spawn { Oracle() }
    let ask: @Sendable () async -> String? = {
      await failureOf { () async throws(AskError) in try await oracle.ask(timeout: nil) { .keep($0) } as Int }?.kind
    }
    let waiting = Task { await ask() }
    // The actor has the message, so the ask has begun.
    await until { pool.system.counts.handled == 1 }
    waiting.cancel()
    #expect(await waiting.value == "cancelled")
    let start = Event()
    let before = Task {
      await start.wait()
      return await ask()
    }
    before.cancel()
    start.set()
    #expect(await before.value == "cancelled")
    await pool.end()
  }

  @Test(arguments: 0..<UInt64(64)) func `an answer, a timeout and a cancellation in any order end the ask once`(
    seed: UInt64
  ) {
    let ledger = Ledger()
    let sim = Simulation(seed: seed)
    var random = Random(seed: seed)
    let oracle = sim.system.spawn { Oracle() }
    let ask = sim.start { () -> Int in
      let token: Token = try await oracle.ask(timeout: .milliseconds(10)) { .keepToken($0) }
      _ = consume token
      return 1
    }
    for _ in 0..<random.below(4) { _ = sim.scheduler.step() }
    for action in [0, 1, 2].shuffled(using: &random) {
      switch action {
      case 0: oracle.send(.answerToken(ledger))
      case 1: ask.cancel()
      default: if random.chance(1, in: 2) { sim.advance(by: .milliseconds(20)) }
      }
      for _ in 0..<random.below(3) { _ = sim.scheduler.step() }
    }
    sim.run()
    #expect(ask.isOver)
    sim.end()
    #expect(ledger.isBalanced)
  }
}
