import TestSupport
import Testing
import Troupe

/// Answers, or does not. It is noncopyable, since the replies that it keeps are.
struct Oracle: Behavior, ~Copyable {
  enum Message: ~Copyable {
    case double(Int, Reply<Int>)
    case drop(Reply<Int>)
    case dropAndThrow(Reply<Int>)
    case fail(Reply<Int>)
    case keep(Reply<Int>)
    case answerKept(Int)
    case abandoned(Reply<Int>)
    case token(Ledger, Reply<Token>)
    case keepToken(Reply<Token>)
    case answerToken(Ledger)
    case stop
  }
  var kept = PendingReplies<Int, Int>()
  var tokens = PendingReplies<Int, Token>()
  var next = 0

  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    switch consume message {
    case .double(let n, let reply): reply.send(2 * n)
    case .drop(let reply): _ = consume reply
    case .dropAndThrow(let reply):
      _ = consume reply
      throw Oops(9)
    case .fail(let reply): reply.fail(Oops(8))
    case .keep(let reply):
      next += 1
      kept.insert(reply, for: next)
    case .answerKept(let value): kept.sendAll { _ in value }
    case .abandoned(let reply): reply.send(kept.removeAbandoned())
    case .token(let ledger, let reply): reply.send(Token(ledger))
    case .keepToken(let reply): tokens.insert(reply, for: 0)
    case .answerToken(let ledger): tokens.sendAll { _ in Token(ledger) }
    case .stop: context.stop()
    }
  }
}

@Suite(.spins) struct AskTests {
  @Test(arguments: 0..<UInt64(64)) func `an ask gets its answer, simulated`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let oracle = sim.system.spawn("oracle") { Oracle() }
    let answers = (0..<20).map { n in sim.start { try await oracle.ask { .double(n, $0) } as Int } }
    sim.run()
    #expect(answers.map(\.value) == (0..<20).map { 2 * $0 })
    sim.end()
  }

  @Test func `an ask gets its answer, from tasks and threads`() async {
    let pool = Pooled(workers: 2)
    let oracle = pool.system.spawn { Oracle() }
    let count = Scale.count(2000)
    let threads = (0..<2).map { t in
      TestThread {
        (0..<count).allSatisfy { n in (try? oracle.ask { .double(n + t, $0) } as Int) == 2 * (n + t) }
      }
    }
    await withTaskGroup(of: Bool.self) { group in
      for t in 0..<2 {
        let body: @concurrent @Sendable () async -> Bool = {
          for n in 0..<count {
            guard let answer = try? await oracle.ask({ .double(n + t, $0) }) as Int, answer == 2 * (n + t) else {
              return false
            }
          }
          return true
        }
        group.addTask(operation: body)
        group.addTask(executorPreference: pool.system.executor, operation: body)
      }
      for await isRight in group { #expect(isRight) }
    }
    for thread in threads { #expect(await thread.value) }
    await pool.end()
  }

  @Test func `M9 an ask to a dead actor fails now`() async {
    let pool = Pooled("city")
    let oracle = pool.system.spawn("oracle") { Oracle() }
    oracle.send(.stop)
    _ = await oracle.termination
    // Without a limit: only an ask that fails at once ends.
    let line: UInt = #line + 2
    let ask: @Sendable () async throws(AskError) -> Int = { () async throws(AskError) in
      try await oracle.ask(timeout: nil) { .double(1, $0) }
    }
    let error = await failureOf(ask)
    #expect(error?.kind == "ended")
    #expect(error?.target == "city/oracle")
    #expect(error?.messageType.contains("Message") == true)
    #expect(error.map { "\($0.fileID)" } == "TroupeTests/AskTests.swift")
    #expect(error?.line == line)
    let text = error?.description ?? ""
    for part in ["city/oracle", "Message", "AskTests.swift:\(line)", "ended"] { #expect(text.contains(part)) }
    let blocking = await TestThread { () -> String? in
      do throws(AskError) {
        _ = try oracle.ask(timeout: nil) { .double(1, $0) } as Int
        return nil
      } catch {
        return "\(error.kind) \(error.target)"
      }
    }.value
    #expect(blocking == "ended city/oracle")
    // The message was refused, and came back to the ask: no dead letter.
    #expect(pool.system.counts.allDeadLetters == 0)
    await pool.end()
  }

  @Test(arguments: 0..<UInt64(64)) func `M9 asks that are queued when the actor ends fail then`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let oracle = sim.system.spawn { Oracle() }
    oracle.send(.stop)
    let asks = (0..<5).map { n in sim.start { try await oracle.ask(timeout: nil) { .double(n, $0) } as Int } }
    let kept = sim.start { try await oracle.ask(timeout: nil) { .keep($0) } as Int }
    sim.run()
    for ask in asks + [kept] where ask.value == nil {
      #expect(["ended", "dropped"].contains(ask.askError?.kind))
    }
    #expect((asks + [kept]).allSatisfy { $0.isOver })
    sim.end()
  }

  @Test func `M9 a late reply reaches nobody and leaks nothing`() {
    let ledger = Ledger()
    let sim = Simulation(seed: 7)
    let oracle = sim.system.spawn("oracle") { Oracle() }
    let ask = sim.start { () -> Int in
      let token: Token = try await oracle.ask(timeout: .seconds(2)) { .keepToken($0) }
      _ = consume token
      return 1
    }
    sim.run()
    sim.advance(by: .milliseconds(1999))
    #expect(!ask.isOver)
    sim.advance(by: .milliseconds(10))
    #expect(ask.askError?.kind == "timedOut")
    oracle.send(.answerToken(ledger))
    sim.run()
    #expect(ledger.madeCount == 1 && ledger.isBalanced)
    // The next ask is not confused by it.
    let next = sim.start { try await oracle.ask { .double(4, $0) } as Int }
    sim.run()
    #expect(next.value == 8)
    sim.end()
  }

  @Test func `M9 replies that race with a timeout or a cancellation leak nothing`() async {
    let ledger = Ledger()
    let pool = Pooled(workers: 2)
    let oracle = pool.system.spawn { Oracle() }
    var (answered, gaveUp) = (0, 0)
    for i in 0..<Scale.count(1000) {
      let task = Task { () -> Bool in
        do {
          let token: Token = try await oracle.ask(timeout: i % 2 == 0 ? .zero : nil) { .token(ledger, $0) }
          _ = consume token
          return true
        } catch { return false }
      }
      if i % 2 == 1 { task.cancel() }
      if await task.value { answered += 1 } else { gaveUp += 1 }
    }
    await pool.end()
    #expect(ledger.isBalanced, "\(answered) answered, \(gaveUp) gave up, \(ledger.alive) stay")
  }

  @Test(arguments: 0..<UInt64(16)) func `M10 a dropped reply fails the ask at once`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let oracle = sim.system.spawn { Oracle() }
    let dropped = sim.start { try await oracle.ask(timeout: nil) { .drop($0) } as Int }
    let failed = sim.start { try await oracle.ask(timeout: nil) { .fail($0) } as Int }
    sim.run()
    #expect(dropped.askError?.kind == "dropped")
    let cause = failed.askError?.cause as? Oops
    #expect(cause == Oops(8))
    let thrown = sim.start { try await oracle.ask(timeout: nil) { .dropAndThrow($0) } as Int }
    sim.run()
    let error = thrown.askError?.cause as? Oops
    #expect(error == Oops(9))
    #expect(sim.system.counts.failed == 1)
    sim.end()
  }

  @Test func `M10 a dropped reply fails the ask at once, on threads`() async {
    let pool = Pooled(workers: 2)
    let oracle = pool.system.spawn { Oracle() }
    let kinds = await TestThread { () -> [String?] in
      func kind(_ body: () throws(AskError) -> Int) -> String? {
        do throws(AskError) {
          _ = try body()
          return nil
        } catch {
          return error.kind
        }
      }
      return [
        kind { () throws(AskError) in try oracle.ask(timeout: nil) { .drop($0) } },
        kind { () throws(AskError) in try oracle.ask(timeout: nil) { .fail($0) } },
        kind { () throws(AskError) in try oracle.ask(timeout: nil) { .dropAndThrow($0) } },
      ]
    }.value
    #expect(kinds == ["dropped", "failed", "failed"])
    #expect(await oracle.termination.kind == "failed")
    await pool.end()
  }
}
