import TestSupport
import Testing
import Troupe

/// `pipe` and `context.ask`: answers that come as messages.
@Suite(.spins) struct WorkTests {
  static let seeds = 0..<UInt64(24)

  static func number(_ result: Result<Int, any Error>) -> Patient.Message {
    switch result {
    case .success(let n): .number(n)
    case .failure(let error): .number(-((error as? Oops)?.id ?? 1_000_000))
    }
  }
  static func number(_ result: Result<Int, AskError>) -> Patient.Message {
    switch result {
    case .success(let n): .number(n)
    case .failure(let error): .run { _ in throw error }
    }
  }

  @Test(arguments: seeds, [false, true]) func `the result of work comes as a message, or its error`(
    seed: UInt64, isAsync: Bool
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, isAsync: isAsync, options: SpawnOptions(mailbox: .bounded(1)))
    actor.send(
      .run { context in
        for i in 1...5 {
          context.pipe(
            {
              for _ in 0..<i { await Task.yield() }
              if i == 3 { throw Oops(3) }
              return i
            }, as: { Self.number($0) })
        }
        // The mailbox is full, which is nothing to the results.
        context.address.send(.number(100))
      })
    sim.run()
    #expect(Set(notes.all) == ["start 1", "100", "1", "2", "-3", "4", "5"] && notes.count == 7)
    #expect(sim.system.counts.settledMessages == 7 && sim.system.counts.allDeadLetters == 0)
    sim.end()
  }

  @Test(arguments: seeds) func `an ask answers, fails, times out or finds nobody, all as messages`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let (oracle, kinds) = (sim.system.spawn { Oracle() }, Trail<String>())
    let dead = sim.system.spawn { Oracle() }
    dead.send(.stop)
    let actor = sim.system.patient("a")
    sim.run()
    actor.send(
      .run { context in
        @Sendable func note(_ result: Result<Int, AskError>) -> Patient.Message {
          switch result {
          case .success(let n): kinds.append("\(n)")
          case .failure(let error): kinds.append(error.kind)
          }
          return .total
        }
        context.ask(oracle, { .double(21, $0) }, as: { note($0) })
        context.ask(oracle, { .drop($0) }, as: { note($0) })
        context.ask(oracle, { .fail($0) }, as: { note($0) })
        context.ask(dead, { .double(1, $0) }, as: { note($0) })
        context.ask(oracle, timeout: .seconds(2), { .keep($0) }, as: { note($0) })
      })
    sim.run()
    #expect(kinds.all.sorted() == ["42", "dropped", "ended", "failed"])
    sim.advance(by: .seconds(3))
    #expect(kinds.all.last == "timedOut" && kinds.count == 5)
    sim.end()
  }

  @Test(arguments: seeds) func `work survives a restart, and its result comes to the next incarnation`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let policy = Supervision { _, history in .restart(after: history.random < 0.5 ? .zero : .milliseconds(10)) }
    let actor = sim.system.patient("a", notes, policy)
    actor.send(
      .run { context in
        context.pipe(
          {
            for _ in 0..<(seed % 12) { await Task.yield() }
            return 7
          }, as: { Self.number($0) })
        throw Oops()
      })
    sim.run()
    sim.advance(by: .seconds(1))
    #expect(notes.all == ["start 1", "stop 1", "start 2", "7"])
    sim.end()
  }

  @Test(arguments: seeds) func `when the actor ends the work is cancelled, and its result is a dead letter`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let (cancelled, letters) = (Trail<Bool>(), sim.letters)
    let oracle = sim.system.spawn { Oracle() }
    let actor = sim.system.patient("a")
    actor.send(
      .run { context in
        context.pipe(
          {
            // Ends by cancellation alone.
            while !Task.isCancelled { await Task.yield() }
            cancelled.append(Task.isCancelled)
            return 1
          }, as: { Self.number($0) })
        // The asker's timeout would be an hour.
        context.ask(oracle, timeout: .seconds(3600), { .keep($0) }, as: { Self.number($0) })
      })
    for _ in 0..<50 { _ = sim.scheduler.step() }
    #expect(cancelled.count == 0)
    sim.system.stop(actor)
    sim.run()
    #expect(cancelled.all == [true])
    #expect(letters.all.map(\.reason) == [.ended, .ended])
    #expect(letters.all.allSatisfy { $0.recipient == "sim/a" })
    sim.end()
  }

  @Test(arguments: seeds) func `M1 a result that is in the mailbox at the end is a dead letter`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let actor = sim.system.patient("a")
    actor.send(.run { context in for i in 0..<5 { context.pipe({ i }, as: { Self.number($0) }) } })
    for _ in 0..<Int(seed) { _ = sim.scheduler.step() }
    sim.system.suspend(actor)
    sim.run()
    sim.system.stop(actor)
    sim.run()
    let isHandled = sim.system.counts.handled > 0
    #expect(sim.system.counts.settledMessages == (isHandled ? 6 : 1))
    sim.end()
  }

  @Test func `work on threads: each result comes once, also through restarts`() async {
    let pool = Pooled(workers: 2, supervision: .restartNow)
    let (count, notes) = (Scale.count(2000), Trail<String>())
    let oracle = pool.system.spawn { Oracle() }
    let actor = pool.system.patient("a", notes)
    for i in 0..<count {
      actor.send(
        .run { context in
          if i % 2 == 0 {
            context.pipe({ 2 * i }, as: { Self.number($0) })
          } else {
            context.ask(oracle, timeout: nil, { .double(i, $0) }, as: { Self.number($0) })
          }
          if i % 50 == 0 { throw Oops() }
        })
    }
    let expected = Set((0..<count).map { "\(2 * $0)" })
    await until { notes.all.count { Int($0) != nil } == count }
    #expect(Set(notes.all.filter { Int($0) != nil }) == expected)
    await pool.end()
    #expect(pool.system.counts.allDeadLetters == 0)
  }

  @Test func `work that ends after its system is accounted for`() async {
    let pool = Pooled(workers: 2)
    let (started, release) = (Countdown(10), Event())
    let actor = pool.system.patient("a")
    for i in 0..<10 {
      actor.send(
        .run { context in
          context.pipe(
            {
              started.down()
              await release.wait()
              return i
            }, as: { Self.number($0) })
        })
    }
    await started.wait()
    await pool.end()
    #expect(pool.system.counts.allDeadLetters == 0)
    release.set()
    let endsUnreferenced = await settled { pool.system.counts.deadLetters == [.ended: 10] }
    #expect(endsUnreferenced, "\(pool.system.counts)")
  }
}
