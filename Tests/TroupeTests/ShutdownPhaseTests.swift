import Synchronization
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct ShutdownPhaseTests {
  struct Echo: Behavior {
    let trail: Trail<String>
    mutating func receive(_ message: consuming Reply<Int>, in context: Context<Reply<Int>>) { message.send(1) }
    mutating func stopping(in context: Context<Reply<Int>>) { trail.append("echo stops") }
  }

  @Test(arguments: 0..<UInt64(16)) func `phases run one after the other, the actors' between them`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let trail = Trail<String>()
    let echo = sim.system.spawn("echo") { Echo(trail: trail) }
    // Registered in another order than they run in.
    sim.system.onShutdown(.release, "files") { trail.append("release") }
    sim.system.onShutdown(.actors, "last words") { trail.append("actors") }
    sim.system.onShutdown(.unbind, "listener") { trail.append("unbind") }
    sim.system.onShutdown(.finish, "asks") {
      // Everything is as it was.
      trail.append("finish \(try await echo.ask { $0 })")
    }
    let report = sim.start { await sim.system.shutdown() }
    sim.run()
    #expect(trail.all == ["unbind", "finish 1", "actors", "echo stops", "release"])
    let tasks = report.value?.tasks ?? []
    #expect(tasks.map(\.name) == ["listener", "asks", "last words", "files"])
    #expect(tasks.map(\.phase) == ["unbind", "finish", "actors", "release"])
    #expect(report.value?.drained == 1)
    #expect(report.value?.dropped == 0)
    #expect(report.value?.description == "shutdown: 1 messages handled, 0 dropped")
  }

  @Test func `a task that throws, and one that is late, are told, and the rest goes on`() {
    let sim = Simulation(seed: 1)
    let trail = Trail<String>()
    let never = Event()
    sim.system.onShutdown(.unbind, "broken") { throw Oops(3) }
    sim.system.onShutdown(.unbind, "slow") {
      // Waits until it is cancelled.
      let channel = Channel.unbounded(of: Int.self)
      let sender = channel.sender
      var receiver = channel.receiver
      _ = await receiver.receive()
      withExtendedLifetime(sender) {}
      trail.append("cancelled \(Task.isCancelled)")
    }
    sim.system.onShutdown(.finish, "after") { trail.append("after") }
    let report = sim.start { await sim.system.shutdown() }
    sim.run()
    sim.advance(by: .seconds(4))
    #expect(trail.all.isEmpty && !report.isOver)
    sim.advance(by: .seconds(2))
    #expect(trail.all.contains("after") && trail.all.contains("cancelled true"))
    let tasks = report.value?.tasks ?? []
    #expect(tasks.map(\.name) == ["broken", "slow", "after"])
    if tasks.count == 3 {
      if case .failed(let error) = tasks[0].outcome {
        #expect(error as? Oops == Oops(3))
      } else {
        Issue.record("\(tasks[0])")
      }
      if case .late = tasks[1].outcome {} else { Issue.record("\(tasks[1])") }
      if case .finished = tasks[2].outcome {} else { Issue.record("\(tasks[2])") }
    }
    #expect(
      report.value?.description
        == "shutdown: 0 messages handled, 0 dropped; broken (unbind) failed: Oops(id: 3); "
        + "slow (unbind) was not done in time"
    )
    withExtendedLifetime(never) {}
  }

  @Test func `the deadline of all leaves out what is left, and stops the actors`() {
    let sim = Simulation(seed: 2)
    let trail = Trail<String>()
    let echo = sim.system.spawn("echo") { Echo(trail: trail) }
    sim.system.onShutdown(.unbind, "slow") {
      let channel = Channel.unbounded(of: Int.self)
      let sender = channel.sender
      var receiver = channel.receiver
      _ = await receiver.receive()
      withExtendedLifetime(sender) {}
    }
    sim.system.onShutdown(.finish, "left out") { trail.append("left out") }
    sim.system.onShutdown(.release, "files") { trail.append("files") }
    let report = sim.start { await sim.system.shutdown(deadline: .seconds(1)) }
    let end = sim.start { await echo.termination.kind }
    sim.run()
    sim.advance(by: .seconds(2))
    #expect(report.value != nil)
    #expect(end.value == "systemStopped")
    #expect(trail.all == ["echo stops", "files"])
    let later = sim.start { await sim.system.shutdown() }
    sim.run()
    #expect(later.value?.tasks.map(\.name) == ["slow", "left out", "files"])
    #expect(later.value?.stuck == [])
  }

  @Test func `requestShutdown in a handler runs the phases too, and a later task is refused`() {
    let sim = Simulation(seed: 3)
    let trail = Trail<String>()
    let actor = sim.system.spawn(state: 0) { (_, _: consuming Int, context) in context.requestShutdown() }
    #expect(sim.system.onShutdown(.unbind, "a") { trail.append("a") })
    actor.send(1)
    sim.run()
    #expect(trail.all == ["a"])
    #expect(!sim.system.onShutdown(.unbind, "b") { trail.append("b") })
    #expect(sim.system.counts.topLevelActors == 0)
  }

  @Test func `phases of one's own, and the actors' deadline`() async {
    let stuck = Event()
    let entered = Event()
    let trail = Trail<String>()
    var options = ActorSystem.Options(workers: 2, log: { _ in }, watchdog: nil)
    options.shutdownPhases = [ShutdownPhase("first"), ShutdownPhase("actors", deadline: .milliseconds(10)), .release]
    let system = ActorSystem("phased", options: options)
    let actor = system.spawn("stuck", state: 0) { (_, _: consuming Int, _) in
      entered.set()
      stuck.spin()
    }
    system.onShutdown(ShutdownPhase("first"), "one") { trail.append("one") }
    system.onShutdown(.release, "two") { trail.append("two") }
    actor.send(1)
    await entered.wait()
    let report = await system.shutdown(deadline: nil)
    #expect(report.stuck == ["phased/stuck"])
    #expect(trail.all == ["one", "two"])
    stuck.set()
    _ = await actor.termination
  }

  struct Parrot: Behavior {
    let trail: Trail<String>
    let child: Bool
    var pupil: Address<Int>?
    init(_ trail: Trail<String>, child: Bool = false) { (self.trail, self.child) = (trail, child) }
    mutating func started(in context: Context<Int>) {
      let trail = trail
      if !child { pupil = context.spawn("pupil") { Parrot(trail, child: true) } }
    }
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      trail.append(child ? "pupil \(message)" : "parrot \(message)")
      pupil?.send(message)
    }
    mutating func stopping(in context: Context<Int>) { trail.append(child ? "pupil stops" : "parrot stops") }
  }

  @Test(arguments: 0..<UInt64(32)) func `M20 drained, everything queued is handled, children after parents' messages`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let trail = Trail<String>()
    let parrot = sim.system.spawn("parrot") { Parrot(trail) }
    for i in 1...5 { parrot.send(i) }
    if seed % 2 == 0 { sim.run() }
    for i in 6...9 { parrot.send(i) }
    let report = sim.start { await sim.system.shutdown(.drain) }
    let end = sim.start { await parrot.termination.kind }
    sim.run()
    #expect(trail.all.filter { $0.hasPrefix("parrot ") } == (1...9).map { "parrot \($0)" } + ["parrot stops"])
    #expect(trail.all.filter { $0.hasPrefix("pupil ") } == (1...9).map { "pupil \($0)" } + ["pupil stops"])
    #expect(trail.all.suffix(2) == ["pupil stops", "parrot stops"])
    #expect(report.value?.dropped == 0)
    #expect(end.value == "systemStopped")
    #expect(sim.letters.all.isEmpty)
  }

  @Test func `M20 what is not drained at the deadline is dropped`() {
    let sim = Simulation(seed: 7)
    let trail = Trail<String>()
    let parrot = sim.system.spawn("parrot") { Parrot(trail) }
    sim.run()
    sim.system.suspend(parrot)
    sim.run()
    for i in 1...5 { parrot.send(i) }
    let report = sim.start { await sim.system.shutdown(.drain, deadline: .seconds(3)) }
    sim.run()
    sim.advance(by: .seconds(2))
    #expect(!report.isOver)
    sim.advance(by: .seconds(2))
    #expect(report.value?.dropped == 5)
    #expect(report.value?.stuck == [])
    #expect(trail.all == ["pupil stops", "parrot stops"])
  }

  @Test func `a hundred thousand actors end within the deadline, children first`() async {
    let pool = Pooled(workers: 2)
    let parents = Scale.count(1000)
    let early = Counter()
    let started = Countdown(parents)
    for _ in 0..<parents {
      pool.system.spawn { Parent(children: 99, early: early, started: started) }
    }
    await started.wait()
    let report = await pool.system.shutdown(deadline: .seconds(120))
    #expect(report.stuck.isEmpty)
    #expect(early.value == 0)
    #expect(pool.system.snapshot().actors.isEmpty)
  }

  /// Notes if it stops while a child that has started lives.
  struct Parent: Behavior {
    let children: Int
    let early: Counter
    let started: Countdown
    let living = Counter()
    mutating func started(in context: Context<Int>) {
      let living = living
      for _ in 0..<children { context.spawn { Child(living: living) } }
      started.down()
    }
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {}
    mutating func stopping(in context: Context<Int>) { if living.value != 0 { early.add() } }
  }
  struct Child: Behavior {
    let living: Counter
    mutating func started(in context: Context<Int>) { living.add() }
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {}
    mutating func stopping(in context: Context<Int>) { living.add(-1) }
  }
}
