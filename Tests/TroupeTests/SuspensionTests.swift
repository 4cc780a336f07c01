import CTroupeShims
import TestSupport
import Testing
import Troupe

/// Suspension, and what meets a stop or a restart half-way.
@Suite(.spins) struct SuspensionTests {
  static let seeds = 0..<UInt64(24)

  @Test(arguments: seeds, [false, true]) func `M13 a suspended actor handles nothing, and does not turn in a circle`(
    seed: UInt64, isAsync: Bool
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, isAsync: isAsync)
    sim.run()
    sim.system.suspend(actor)
    sim.run()
    for i in 0..<1000 { actor.send(.number(i)) }
    #expect(sim.scheduler.runUntilIdle() == 0, "messages do not wake it")
    sim.system.suspend(actor)
    #expect(sim.scheduler.runUntilIdle() <= 2)
    #expect(notes.all == ["start 1"])
    sim.system.resume(actor)
    sim.run()
    #expect(notes.all == ["start 1"] + (0..<1000).map { "\($0)" })
    sim.end()
  }

  @Test(arguments: seeds, [false, true]) func `of suspend and resume the later one holds`(seed: UInt64, isAsync: Bool) {
    let sim = Simulation(seed: seed)
    var random = Random(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, .restartNow, isAsync: isAsync)
    var isSuspended = false
    for i in 0..<100 {
      // As many as come before it has its turn; also before it starts.
      for _ in 0..<random.below(4) {
        isSuspended = random.chance(1, in: 2)
        if isSuspended { sim.system.suspend(actor) } else { sim.system.resume(actor) }
      }
      if random.chance(1, in: 5) { sim.system.restart(actor) }
      if random.chance(1, in: 2) { continue }
      sim.run()
      let before = notes.count
      actor.send(.number(i))
      sim.run()
      #expect((notes.count == before) == isSuspended, "step \(i)")
    }
    sim.end()
  }

  @Test(arguments: seeds) func `one that is suspended before it starts, or is restarted, stays suspended`(seed: UInt64)
  {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes)
    sim.system.suspend(actor)
    actor.send(.number(1))
    sim.run()
    #expect(notes.all == ["start 1"])
    sim.system.restart(actor)
    sim.run()
    #expect(notes.all == ["start 1", "stop 1", "start 2"])
    sim.system.resume(actor)
    sim.run()
    #expect(notes.all == ["start 1", "stop 1", "start 2", "1"])
    sim.end()
  }

  @Test(arguments: seeds) func `M13 a suspended actor can be stopped, and what is queued is accounted for`(seed: UInt64)
  {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient(
      "a", notes, options: SpawnOptions(mailbox: seed % 2 == 0 ? .unbounded : .bounded(5)))
    sim.system.suspend(actor)
    for i in 0..<5 { actor.send(.number(i)) }
    sim.run()
    sim.system.stop(actor)
    #expect(sim.end(of: actor) == "stopped")
    #expect(notes.all == ["start 1", "stop 1"])
    #expect(sim.system.counts.deadLetters == [.queuedAtEnd: 5])
    sim.end()
  }

  @Test(arguments: seeds) func `M2 the bound holds through suspension, backoff, restart and unstash`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let policy = Supervision { _, _ in .restart(after: .milliseconds(10)) }
    let actor = sim.system.patient("a", notes, policy, options: SpawnOptions(mailbox: .bounded(3)))
    func fills(_ base: Int) {
      for i in 0..<3 { if case .sent = actor.trySend(.number(base + i)) {} else { Issue.record("no room for \(i)") } }
      if case .full = actor.trySend(.number(-1)) {} else { Issue.record("more than the bound at \(base)") }
    }
    sim.run()
    sim.system.suspend(actor)
    sim.run()
    fills(10)
    sim.system.restart(actor)
    sim.run()
    if case .full = actor.trySend(.number(-1)) {} else { Issue.record("the restart made room") }
    sim.system.resume(actor)
    sim.run()
    for n in [1, 2, 3] {
      actor.send(.stash(n))
      sim.run()
    }
    fills(20)
    sim.run()
    actor.send(.fail(0))
    sim.run()
    fills(30)
    sim.advance(by: .milliseconds(10))
    let expected =
      (10...12).map(String.init) + (20...22).map(String.init) + ["1", "2", "3"] + (30...32).map(String.init)
    #expect(notes.all.filter { Int($0) != nil } == expected)
    #expect(sim.system.counts.allDeadLetters == 0)
    sim.end()
  }

  @Test(arguments: 0..<UInt64(64), [false, true])
  func `M6 stop, restart and failure at any moment: one end, told once`(seed: UInt64, isAsync: Bool) {
    var random = Random(seed: seed)
    let sim = Simulation(seed: seed)
    let (notes, told) = (Trail<String>(), Trail<String>())
    let policy = Supervision { _, history in .restart(after: history.random < 0.5 ? .zero : .milliseconds(10)) }
    let options = SpawnOptions(keepsChildren: random.chance(1, in: 2))
    let actor = sim.system.patient(
      "a", notes, policy, isAsync: isAsync, options: options,
      onStart: { context in _ = context.patient(nil, Trail(), isAsync: isAsync) })
    let watchers = (0..<3).map { sim.system.patient("w\($0)", told) }
    for watcher in watchers { watcher.send(.run { $0.watch(actor) }) }
    let ends = (0..<2).map { _ in sim.start { await actor.termination.kind } }
    var actions: [() -> Void] = [
      { actor.send(.fail(1)) }, { sim.system.restart(actor) }, { actor.send(.number(1)) }, { sim.system.stop(actor) },
      { actor.send(.run { $0.stop() }) }, { sim.system.suspend(actor) }, { sim.system.stop(actor, .drain) },
    ]
    actions.shuffle(using: &random)
    for action in actions {
      for _ in 0..<random.below(6) { _ = sim.scheduler.step() }
      if random.chance(1, in: 5) { sim.advance(by: .milliseconds(5)) }
      action()
    }
    sim.advance(by: .seconds(1))
    #expect(ends.map(\.value) == ["stopped", "stopped"])
    #expect(told.all.filter { $0 == "sim/a stopped" }.count == 3)
    let hooks = notes.all.filter { $0.hasPrefix("st") }
    #expect(hooks.count % 2 == 0)
    for (i, hook) in hooks.enumerated() { #expect(hook.hasPrefix(i % 2 == 0 ? "start" : "stop")) }
    #expect(sim.system.counts.topLevelActors == 3)
    sim.end()
  }

  @Test(arguments: seeds) func `a stop during the backoff ends it without another start`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, Supervision { _, _ in .restart(after: .seconds(5)) })
    actor.send(.fail(1))
    actor.send(.number(2))
    sim.advance(by: .seconds(1))
    sim.system.stop(actor)
    #expect(sim.end(of: actor) == "stopped")
    sim.advance(by: .seconds(60))
    #expect(notes.all == ["start 1", "fail 1", "stop 1"])
    #expect(sim.system.counts.deadLetters == [.queuedAtEnd: 1])
    sim.end()
  }

  @Test(arguments: [1, 2])
  func `M13 threads suspend, resume and restart while others send, and every message is handled`(
    workers: Int
  ) async {
    let pool = Pooled(workers: workers)
    let system = pool.system
    let seen = Trail<Int>()
    let actor = system.spawn("a", state: 0) { (_: inout Int, message: consuming Int, _: Context<Int>) in
      seen.append(message)
    }
    let count = Scale.count(20_000)
    let threads = (0..<2).map { t in
      TestThread { for i in 0..<count { actor.send(t * count + i) } }
    }
    let control = TestThread {
      for i in 0..<count {
        switch i % 4 {
        case 0: system.suspend(actor)
        case 2 where i % 256 == 2: system.restart(actor)
        default: system.resume(actor)
        }
        if i % 64 == 0 { troupe_thread_yield() }
      }
      system.resume(actor)
    }
    for thread in threads { await thread.value }
    await control.value
    await until { seen.count == 2 * count }
    for t in 0..<2 { #expect(seen.all.filter { $0 / count == t } == (0..<count).map { t * count + $0 }) }
    await pool.end()
    #expect(system.counts.allDeadLetters == 0)
  }

  /// A control bit is posted in two steps, to the lane and to the tail. When the actor takes it between the
  /// two, the tail's is left over: it must not keep the only worker busy for ever.
  @Test func `M13 a control message that is taken before its poster is done does not keep the worker busy`() async {
    let pool = Pooled(workers: 1)
    let system = pool.system
    let handled = Counter()
    let actor = system.spawn("a", state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in handled.add() }
    let oracle = system.spawn("o") { Oracle() }
    for round in 0..<Scale.count(3000) {
      let before = handled.value
      await TestThread {
        for i in 0..<200 { actor.send(i) }
        // Now it is at work, on another processor.
        spinUntil { handled.value > before }
        for _ in 0..<(1 + round % 3) { system.resume(actor) }
      }.value
      // Nobody posts to the first one any more; the other one gets the worker.
      let answer = try? await oracle.ask(timeout: nil) { .double(round, $0) } as Int
      #expect(answer == 2 * round)
    }
    let isDone = await settled { handled.value == 200 * Scale.count(3000) }
    #expect(isDone)
    await pool.end()
  }
}
