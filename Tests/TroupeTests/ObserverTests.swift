import Synchronization
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct ObserverTests {
  /// A simulated system whose observer keeps what it is told.
  struct Observed {
    let scheduler: SimulatedScheduler
    let system: ActorSystem
    let events = Trail<SystemEvent>()
    var lines: [String] { events.all.map(\.description) }

    init(seed: UInt64 = 1, _ change: (inout ActorSystem.Options) -> Void = { _ in }) {
      scheduler = SimulatedScheduler(seed: seed)
      let events = events
      var options = ActorSystem.Options(supervision: .stop, log: { _ in })
      options.observer = { events.append($0) }
      change(&options)
      system = ActorSystem("sim", simulatedBy: scheduler, options: options)
    }
    func run() { scheduler.runUntilIdle() }
    func end() {
      system.requestShutdown()
      run()
      // The system keeps the observer, which keeps the events, which keep actors' memory, and so the system's.
      events.clear()
    }
  }

  struct Thrower: Behavior {
    mutating func receive(_ message: consuming Int, in context: Context<Int>) throws {
      if message < 0 { throw Oops(message) }
    }
  }

  @Test(arguments: 0..<UInt64(16)) func `every event of a life in its order`(seed: UInt64) {
    let sim = Observed(seed: seed)
    let actor = sim.system.spawn("a", options: SpawnOptions(supervision: .restart(limit: 1, backoff: .none))) {
      Thrower()
    }
    sim.run()
    actor.send(1)
    actor.send(-1)
    sim.run()
    sim.system.suspend(actor)
    sim.run()
    sim.system.resume(actor)
    sim.run()
    actor.send(-2)
    sim.run()
    actor.send(3)
    #expect(
      sim.lines == [
        "sim/a spawned", "sim/a started (incarnation 1)",
        "actor failed: Oops(id: -1) in sim/a (incarnation 1), handling a Int",
        "actor restarts: sim/a (incarnation 2)", "sim/a started (incarnation 2)", "sim/a suspended", "sim/a resumed",
        "actor failed: Oops(id: -2) in sim/a (incarnation 2), handling a Int",
        "sim/a failed: Oops(id: -2) in sim/a (incarnation 2), handling a Int",
        "dead letter for sim/a: a Int was not handled (ended)",
      ])
    sim.end()
  }

  @Test func `asks without an answer, high water, and the phases of a shutdown`() {
    let phases = Counter()
    let sim = Observed {
      $0.highWater = 300
      let before = $0.observer
      $0.observer = { event in
        if case .shutdown = event { phases.add() }
        before?(event)
      }
    }
    let silent = sim.system.spawn("silent", state: 0) { (_, _: consuming Int, _) in }
    let keeper = sim.system.spawn("keeper") { Keeper() }
    let task = Task(executorPreference: sim.system.executor) {
      await failureOf { () async throws(AskError) in try await keeper.ask(timeout: .seconds(1)) { $0 } }
    }
    for i in 0..<1000 { silent.send(i) }
    sim.run()
    sim.scheduler.advance(by: .seconds(2))
    let lines = sim.lines
    #expect(lines.contains { $0.hasPrefix("high water: sim/silent has ") })
    #expect(lines.count { $0.hasPrefix("high water") } == 1)
    #expect(lines.contains { $0.hasPrefix("ask of sim/keeper") && $0.hasSuffix("no answer within 1.0 seconds") })
    sim.end()
    #expect(phases.value == ShutdownPhase.standard.count)
    withExtendedLifetime(task) {}
  }

  struct Keeper: Behavior, ~Copyable {
    var kept: Reply<Int>?
    mutating func receive(_ message: consuming Reply<Int>, in context: Context<Reply<Int>>) {
      kept = .some(message)
    }
  }

  @Test func `what the observer causes itself is not told to it`() {
    let told = Counter()
    let dead = Mutex<Address<Int>?>(nil)
    let sim = Observed {
      $0.observer = { event in
        told.add()
        if case .deadLetter = event { dead.withLock { $0 }?.send(0) }
      }
    }
    let actor = sim.system.spawn("a") { Thrower() }
    sim.system.stop(actor)
    sim.run()
    dead.withLock { $0 = actor }
    let before = told.value
    actor.send(1)
    #expect(told.value == before + 1)
    #expect(sim.system.counts.deadLetters[.ended] == 2)
    sim.end()
    dead.withLock { $0 = nil }
  }

  @Test(arguments: 0..<UInt64(8)) func `a snapshot has the figures of every actor, parents first`(seed: UInt64) throws {
    let sim = Observed(seed: seed)
    let options = SpawnOptions(supervision: .resume)
    let parent = sim.system.spawn("parent", options: options, state: 0) { (_, message: consuming Int, context) in
      if message == 0 { context.spawn("child") { Thrower() } }
      if message < 0 { throw Oops(message) }
    }
    for i in [0, 1, -1, 2, -2] { parent.send(i) }
    sim.run()
    sim.system.suspend(parent)
    sim.run()
    for i in 0..<100 { parent.send(i) }
    let snapshot = sim.system.snapshot()
    #expect(snapshot.actors.map(\.path) == ["sim/parent", "sim/parent/child"])
    let figures = try #require(snapshot.actors.first)
    #expect(figures.actor == parent.actor)
    #expect(figures.messageType == "Int")
    #expect(figures.state == .suspended)
    #expect(figures.depth == 100)
    #expect(figures.handled == 3)
    #expect(figures.failed == 2)
    #expect(figures.failures == 2)
    #expect(figures.restarts == 0)
    #expect(figures.timeInHandlers == nil)
    #expect(snapshot.actors.last?.state == .idle)
    #expect(snapshot.counts.handled == 3)
    sim.system.stop(parent)
    sim.run()
    #expect(parent.snapshot == nil)
    #expect(sim.system.snapshot().actors.isEmpty)
    #expect(sim.system.counts.deadLetters == [.queuedAtEnd: 100])
    sim.end()
  }

  @Test func `dead letters and restarts of one actor, and the depth of every kind of mailbox`() throws {
    let sim = Observed()
    let mailboxes: [(String, MailboxOptions, Int, Int)] = [
      ("unbounded", .unbounded, 40, 0), ("bounded", .bounded(8), 8, 32), ("dropping", .droppingOldest(8), 8, 32),
      ("coalescing", .coalescing(16) { (message: borrowing Int) in message % 4 }, 4, 36),
      ("prioritized", .prioritized { (message: borrowing Int) in copy message }, 40, 0),
    ]
    for (name, mailbox, depth, letters) in mailboxes {
      let actor = sim.system.spawn(name, options: SpawnOptions(mailbox: mailbox, supervision: .restart(backoff: .none)))
      { Thrower() }
      sim.run()
      sim.system.restart(actor)
      sim.run()
      sim.system.suspend(actor)
      sim.run()
      for i in 0..<40 { actor.send(i) }
      let figures = try #require(actor.snapshot)
      #expect(figures.depth == depth, "\(name)")
      #expect(figures.deadLetters.values.reduce(0, +) == letters, "\(name)")
      #expect(figures.restarts == 1)
      #expect(actor.pendingCount >= depth)
    }
    sim.end()
  }

  struct Busy: Behavior {
    var spins = 0
    mutating func receive(_ message: consuming Reply<Int>, in context: Context<Reply<Int>>) {
      let start = ContinuousClock.now
      while ContinuousClock.now - start < .milliseconds(20) { spins &+= 1 }
      message.send(spins)
    }
  }

  @Test func `time in handlers is measured if asked for`() async throws {
    let options = ActorSystem.Options(workers: 1, log: { _ in }, measuresTime: true)
    let system = ActorSystem("timed", options: options)
    let busy = system.spawn("busy") { Busy() }
    let idle = system.spawn("idle") { Thrower() }
    for _ in 0..<3 { _ = try await busy.ask { $0 } }
    idle.send(1)
    #expect(await settled { (busy.snapshot?.timeInHandlers ?? .zero) >= .milliseconds(60) })
    #expect(await settled { idle.snapshot?.handled == 1 })
    #expect((idle.snapshot?.timeInHandlers ?? .seconds(99)) < .milliseconds(60))
    await system.shutdown(deadline: nil)
  }

  @Test(arguments: [1, 2]) func `events and figures of many actors on real threads balance`(workers: Int) async {
    let spawned = Counter()
    let ended = Counter()
    let failed = Counter()
    let letters = Counter()
    var options = ActorSystem.Options(workers: workers, supervision: .stop, log: { _ in })
    options.observer = { event in
      switch event {
      case .spawned: spawned.add()
      case .ended: ended.add()
      case .failed: failed.add()
      case .deadLetter: letters.add()
      default: break
      }
    }
    let system = ActorSystem("many", options: options)
    let n = Scale.count(2000)
    let actors = (0..<n).map { _ in system.spawn { Thrower() } }
    for actor in actors { for i in [1, 2, -1, 3] { actor.send(i) } }
    // Figures are read while everything goes on.
    let during = system.snapshot()
    #expect(during.actors.count <= n)
    for actor in actors { _ = await actor.termination }
    #expect(spawned.value == n)
    #expect(await settled { ended.value == n })
    #expect(failed.value == n)
    #expect(await settled { letters.value == n })
    let counts = system.counts
    #expect(counts.handled == 2 * n && counts.failed == n && counts.allDeadLetters == n)
    await system.shutdown(deadline: nil)
  }
}
