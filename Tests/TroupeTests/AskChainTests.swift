import TestSupport
import Testing
import Troupe

/// Asks that lead to other asks.
@Suite(.spins) struct AskChainTests {
  static let seeds = 0..<UInt64(64)

  /// Passes a question on to the next actor, which is told later; the last one answers.
  struct Passes: AsyncBehavior, ~Copyable {
    enum Message: ~Copyable { case next(Address<Message>), ask(Reply<String>), answer(Reply<String>) }
    var next: Address<Message>?

    mutating func receive(_ message: consuming Message, in context: Context<Message>) async {
      switch consume message {
      case .next(let address): next = address
      case .answer(let reply): reply.send("answered")
      case .ask(let reply):
        reply.send(await answer())
      }
    }

    private func answer() async -> String {
      guard let next else { return "answered" }
      do throws(AskError) {
        return try await next.ask { .ask($0) }
      } catch {
        if case .cycle(let paths) = error.reason { return paths.joined(separator: ">") }
        return error.kind
      }
    }
  }

  @Test(arguments: seeds) func `an actor that asks itself is told so at once`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let a = sim.system.spawn("a") { Passes() }
    a.send(.next(a))
    let ask = sim.start { try await a.ask(timeout: nil) { .ask($0) } as String }
    sim.run()
    #expect(ask.value == "sim/a>sim/a")
    sim.end()
  }

  @Test(arguments: seeds, [2, 3, 7]) func `the ask that closes a cycle fails with its path`(seed: UInt64, count: Int) {
    let sim = Simulation(seed: seed)
    let actors = (0..<count).map { i in sim.system.spawn("a\(i)") { Passes() } }
    for i in 0..<count { actors[i].send(.next(actors[(i + 1) % count])) }
    let ask = sim.start { try await actors[0].ask(timeout: nil) { .ask($0) } as String }
    // No time passes: nobody waits for a timeout.
    sim.run()
    let last = count - 1
    let path = ([last] + Array(0...last)).map { "sim/a\($0)" }.joined(separator: ">")
    #expect(ask.value == path)
    sim.end()
  }

  @Test(arguments: seeds) func `two that ask each other at the same time both end at once`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let a = sim.system.spawn("a") { Passes() }
    let b = sim.system.spawn("b") { Passes() }
    a.send(.next(b))
    b.send(.next(a))
    let first = sim.start { try await a.ask(timeout: nil) { .ask($0) } as String }
    let second = sim.start { try await b.ask(timeout: nil) { .ask($0) } as String }
    sim.run()
    #expect(first.value != nil && second.value != nil)
    #expect(first.value?.contains(">") == true || second.value?.contains(">") == true)
    sim.end()
  }

  @Test(arguments: seeds) func `a chain that ends is no cycle, however many use it`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let actors = (0..<5).map { i in sim.system.spawn("a\(i)") { Passes() } }
    for i in 0..<4 { actors[i].send(.next(actors[i + 1])) }
    let asks = (0..<20).map { i in sim.start { try await actors[i % 5].ask(timeout: nil) { .ask($0) } as String } }
    sim.run()
    for ask in asks { #expect(ask.value == "answered") }
    sim.end()
  }

  @Test func `cycles are found on real threads, round after round`() async {
    let pool = Pooled(workers: 2)
    for round in 0..<Scale.count(200) {
      let a = pool.system.spawn("a\(round)") { Passes() }
      let b = pool.system.spawn("b\(round)") { Passes() }
      a.send(.next(b))
      b.send(.next(a))
      async let first: String? = try? await a.ask(timeout: nil) { .ask($0) }
      async let second: String? = try? await b.ask(timeout: nil) { .ask($0) }
      let found = await [first, second].compactMap(\.self)
      #expect(found.count == 2 && found.contains { $0.contains(">") })
      pool.system.stop(a)
      pool.system.stop(b)
    }
    await pool.end()
  }

  // MARK: The asker's time travels with the request

  /// Tells what it sees of the asker, and sheds what nobody waits for.
  struct Clerk: Behavior {
    enum Message: ~Copyable {
      case wait, timeLeft(Reply<Duration?>), work(Reply<Int>), pass(Address<Message>, Reply<Int>)
    }
    let worked: Counter

    static func isStale(_ message: borrowing Message) -> Bool {
      switch message {
      case .work(let reply): reply.isAbandoned
      default: false
      }
    }

    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .wait: return
      case .timeLeft(let reply):
        let left = reply.timeLeft
        reply.send(left)
      case .work(let reply):
        worked.add()
        reply.send(1)
      case .pass(let other, let reply): other.send(.work(reply))
      }
    }
  }

  @Test func `a handler sees how long the asker waits`() {
    let sim = Simulation(seed: 1)
    let clerk = sim.system.spawn { Clerk(worked: Counter()) }
    let limited = sim.start { try await clerk.ask(timeout: .seconds(3)) { .timeLeft($0) } as Duration? }
    let unlimited = sim.start { try await clerk.ask(timeout: nil) { .timeLeft($0) } as Duration? }
    sim.run()
    #expect(limited.value.map { $0! >= .seconds(3) && $0! < .milliseconds(3010) } == true)
    #expect(unlimited.value == .some(nil))
    sim.end()
  }

  @Test(arguments: seeds) func `requests whose asker is gone are shed, counted, and not handled`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let worked = Counter()
    let clerk = sim.system.spawn { Clerk(worked: worked) }
    sim.run()
    sim.system.suspend(clerk)
    sim.run()
    let asks = (0..<10).map { i in
      sim.start { try await clerk.ask(timeout: .seconds(i < 5 ? 1 : 100)) { .work($0) } as Int }
    }
    sim.run()
    asks[9].cancel()
    sim.advance(by: .seconds(2))
    sim.system.resume(clerk)
    sim.run()
    #expect(asks.map { $0.value ?? 0 } == [0, 0, 0, 0, 0, 1, 1, 1, 1, 0])
    #expect(worked.value == 4)
    #expect(sim.system.counts.deadLetters == [.abandoned: 6])
    #expect(sim.system.counts.handled == 4)
    sim.end()
  }

  @Test(arguments: seeds)
  func `a request that is shed has timed out, also if its asker has not seen that yet`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let clerk = sim.system.spawn { Clerk(worked: Counter()) }
    sim.system.suspend(clerk)
    let asks = (0..<5).map { _ in sim.start { try await clerk.ask(timeout: .seconds(1)) { .work($0) } as Int } }
    sim.run()
    // The clerk and the askers can run, and the seed says who comes first.
    sim.system.resume(clerk)
    sim.scheduler.pass(.seconds(2))
    sim.run()
    #expect(asks.map { $0.askError?.kind } == Array(repeating: "timedOut", count: 5))
    #expect(sim.system.counts.deadLetters == [.abandoned: 5])
    sim.end()
  }

  @Test func `a reply is handed on to another actor, which answers`() {
    let sim = Simulation(seed: 3)
    let worked = Counter()
    let first = sim.system.spawn { Clerk(worked: worked) }
    let second = sim.system.spawn { Clerk(worked: worked) }
    let ask = sim.start { try await first.ask { .pass(second, $0) } as Int }
    sim.run()
    #expect(ask.value == 1 && worked.value == 1)
    sim.end()
  }
}
