import TestSupport
import Testing
import Troupe

@Suite(.spins) struct ShutdownTests {
  @Test(arguments: 0..<UInt64(64)) func `M20 a shutdown stops children before parents and counts what it drops`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let marks = Trail<Mark>()
    let roots = (0..<3).map { i in sim.system.spawn { Chronicle("r\(i)", marks, children: 2) } }
    for i in 0..<20 { roots[i % 3].send(.number(i)) }
    for _ in 0..<Int(seed) { _ = sim.scheduler.step() }
    sim.system.requestShutdown()
    sim.system.requestShutdown()
    let report = sim.start { await sim.system.shutdown(deadline: nil) }
    let again = sim.start { await sim.system.shutdown(deadline: nil) }
    sim.run()
    #expect(report.value?.stuck == [] && again.value?.stuck == [])
    let counts = sim.system.counts
    #expect(counts.topLevelActors == 0)
    #expect(counts.handled + counts.allDeadLetters == 20)
    let all = marks.all
    for (i, mark) in all.enumerated() {
      guard case .stopping(let name) = mark else { continue }
      #expect(!all[i...].contains { if case .handled(let other, _) = $0 { other == name } else { false } })
      #expect(!all[i...].contains { if case .stopping(let other) = $0 { other.hasPrefix(name + ".") } else { false } })
    }
    let third = sim.start { await roots[0].termination.kind }
    sim.run()
    #expect(third.value == "systemStopped")
  }

  @Test func `a shutdown reports what it dropped, and a second one awaits the same end`() async {
    let pool = Pooled(workers: 2)
    let (inside, release) = (Event(), Event())
    let actor = pool.system.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in
      inside.set()
      release.spin()
    }
    for i in 0..<11 { actor.send(i) }
    await inside.wait()
    let system = pool.system
    let ends = Counter()
    let shutdowns = (0..<4).map { _ in
      Task { () -> ShutdownReport in
        defer { ends.add() }
        return await system.shutdown(deadline: nil)
      }
    }
    await settleDown(system)
    #expect(ends.value == 0)
    release.set()
    var dropped: [Int] = []
    for each in shutdowns { dropped.append(await each.value.dropped) }
    #expect(dropped.contains(10))
    #expect(system.counts.handled == 1 && system.counts.deadLetters == [.queuedAtEnd: 10])
    let late = await system.shutdown()
    #expect(late.stuck.isEmpty)
  }

  /// Until it is shutting down, which a spawn shows.
  private func settleDown(_ system: ActorSystem) async {
    while true {
      let probe = system.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in }
      system.stop(probe)
      if await probe.termination.kind == "systemStopped" { return }
    }
  }

  @Test func `a handler asks for a shutdown and is not kept waiting`() async {
    let pool = Pooled()
    let actor = pool.system.spawn("a", state: 0) { (_: inout Int, _: consuming Int, context: Context<Int>) in
      context.requestShutdown()
      context.requestShutdown()
    }
    actor.send(1)
    #expect(await actor.termination.kind == "systemStopped")
    let report = await pool.end()
    #expect(report.stuck.isEmpty)
  }

  @Test func `spawn and send during and after a shutdown have an outcome`() async {
    let pool = Pooled()
    let actor = pool.system.spawn("a", state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in }
    await pool.end()
    let late = pool.system.spawn("late", state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in }
    #expect(await late.termination.kind == "systemStopped")
    #expect(pool.log.all.contains { $0.contains("pool/late") })
    #expect(late.trySend(1) == .closed(1))
    #expect(actor.trySend(2) == .closed(2))
    #expect(await late.deliver(3) == .closed(3))
    late.send(4)
    actor.send(5)
    #expect(pool.system.counts.deadLetters == [.ended: 2])
    let error = await failureOf { () async throws(AskError) in
      try await pool.system.spawn { Oracle() }.ask(timeout: nil) { .double(1, $0) } as Int
    }
    #expect(error?.kind == "ended")
    pool.system.stop(late)
    pool.system.stop(late)
    await pool.end()
  }

  @Test func `threads that spawn and send during a shutdown lose nothing`() async {
    for _ in 0..<Scale.count(20) {
      let ledger = Ledger()
      let pool = Pooled(workers: 2)
      let system = pool.system
      let threads = (0..<3).map { _ in
        TestThread {
          for _ in 0..<200 {
            let witness = Witness(ledger)
            let actor = system.spawn(state: 0) { [witness] (_: inout Int, _: consuming Token, _: Context<Token>) in
              withExtendedLifetime(witness) {}
            }
            for _ in 0..<3 { actor.send(Token(ledger)) }
          }
        }
      }
      await pool.end()
      for thread in threads { await thread.value }
      let isBalanced = await settled { system.counts.settledMessages == 1800 && ledger.isBalanced }
      #expect(isBalanced, "\(system.counts), \(ledger.alive) stay")
    }
  }

  @Test func `a handler that is stuck at the deadline is reported and left behind`() async {
    let pool = Pooled(workers: 2)
    let (inside, release) = (Event(), Event())
    let stuck = pool.system.spawn("stuck", state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in
      inside.set()
      release.spin()
    }
    let fine = pool.system.spawn("fine", state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in }
    stuck.send(1)
    await inside.wait()
    let report = await pool.system.shutdown(deadline: .milliseconds(20))
    #expect(report.stuck.contains("pool/stuck"))
    #expect(report.description.contains("pool/stuck"))
    _ = await fine.termination
    let zero = await pool.system.shutdown(deadline: .zero)
    #expect(zero.stuck == ["pool/stuck"])
    release.set()
    let last = await pool.end()
    #expect(last.stuck.isEmpty)
    #expect(await stuck.termination.kind == "systemStopped")
  }

  @Test func `to drop the last reference to a system stops nothing`() async {
    let trail = Trail<Address<Oracle.Message>>()
    func make() { trail.append(ActorSystem("gone", options: .init(log: { _ in })).spawn("oracle") { Oracle() }) }
    make()
    let oracle = trail.all[0]
    for n in 0..<100 {
      let answer = try? await oracle.ask { .double(n, $0) } as Int
      #expect(answer == 2 * n)
    }
    oracle.send(.stop)
    #expect(await oracle.termination.kind == "stopped")
  }

  @Test func `two systems do not disturb each other`() async {
    let (one, two) = (Pooled("one"), Pooled("two"))
    let a = one.system.spawn("x") { Oracle() }
    let b = two.system.spawn("x") { Oracle() }
    #expect(a.path == "one/x" && b.path == "two/x")
    // A handler of one sends to the other.
    let relay = one.system.spawn(state: 0) { (_: inout Int, reply: consuming Reply<Int>, _: Context<Reply<Int>>) in
      b.send(.double(21, reply))
    }
    let answer = try? await relay.ask { $0 } as Int
    #expect(answer == 42)
    await one.end()
    let still = try? await b.ask { .double(4, $0) } as Int
    #expect(still == 8)
    // A task on the workers of one may shut the other down.
    let system = two.system
    await system.task {}.value
    _ = await two.end()
  }

  @Test func `a task on the system's own workers may await its shutdown`() async {
    let pool = Pooled()
    pool.system.spawn { Oracle() }
    let system = pool.system
    let report = await system.task { await system.shutdown(deadline: nil) }.value
    #expect(report.stuck.isEmpty)
  }
}
