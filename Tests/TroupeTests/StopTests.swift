import TestSupport
import Testing
import Troupe

@Suite(.spins) struct StopTests {
  /// Calls `body` in each of its hooks and handlers.
  struct Hooked: Behavior {
    enum TreePosition { case start, handler, stop }
    let marks: Trail<Mark>
    let body: @Sendable (TreePosition, Context<Int>) -> Void
    func started(in context: Context<Int>) throws {
      marks.append(.started("a"))
      body(.start, context)
    }
    func receive(_ message: consuming Int, in context: Context<Int>) {
      body(.handler, context)
      marks.append(.handled("a", message))
    }
    func stopping(in context: Context<Int>) {
      body(.stop, context)
      marks.append(.stopping("a"))
    }
  }

  @Test(arguments: 0..<UInt64(64)) func `M6 stop during start ends once and handles nothing`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let marks = Trail<Mark>()
    let actor = sim.system.spawn {
      Hooked(marks: marks) { place, context in if place == .start { context.stop() } }
    }
    actor.send(1)
    let ends = (0..<3).map { _ in sim.start { await actor.termination.kind } }
    sim.run()
    #expect(ends.map(\.value) == ["stopped", "stopped", "stopped"])
    #expect(marks.all == [.started("a"), .stopping("a")])
    #expect(sim.system.counts.deadLetters == [.queuedAtEnd: 1])
    sim.end()
  }

  @Test(arguments: 0..<UInt64(64)) func `M6 stop during stop ends once`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let system = sim.system
    let marks = Trail<Mark>()
    let actor = sim.system.spawn("x") {
      Hooked(marks: marks) { place, context in
        guard place == .stop else { return }
        context.stop()
        system.stop(context.address)
        context.address.send(7)
      }
    }
    actor.send(1)
    if seed % 2 == 0 { sim.run() }
    sim.system.stop(actor)
    sim.system.stop(actor)
    let end = sim.start { await actor.termination.kind }
    sim.run()
    sim.system.stop(actor)
    sim.run()
    #expect(end.value == "stopped")
    let expected: [Mark] = [.started("a"), .handled("a", 1), .stopping("a")]
    #expect(marks.all == (seed % 2 == 0 ? expected : []))
    let letters = sim.system.counts.deadLetters
    #expect(letters == (seed % 2 == 0 ? [.ended: 1] : [.queuedAtEnd: 1]))
    sim.end()
  }

  @Test func `M6 stop while a handler runs ends once, after the handler`() async {
    for _ in 0..<Scale.count(200) {
      let pool = Pooled(workers: 2)
      let marks = Trail<Mark>()
      let (inside, release) = (Event(), Event())
      let actor = pool.system.spawn {
        Hooked(marks: marks) { place, context in
          guard place == .handler else { return }
          inside.set()
          release.spin()
        }
      }
      actor.send(1)
      actor.send(2)
      await inside.wait()
      pool.system.stop(actor)
      pool.system.stop(actor)
      #expect(!marks.all.contains(.stopping("a")))
      release.set()
      #expect(await actor.termination.kind == "stopped")
      #expect(marks.all == [.started("a"), .handled("a", 1), .stopping("a")])
      #expect(pool.system.counts.deadLetters == [.queuedAtEnd: 1])
      await pool.end()
    }
  }

  @Test func `M6 many threads stop one actor at any moment, and it ends once`() async {
    for round in 0..<Scale.count(300) {
      let pool = Pooled(workers: 2)
      let marks = Trail<Mark>()
      let system = pool.system
      let actor = system.spawn { Hooked(marks: marks) { _, _ in } }
      let threads = (0..<3).map { _ in
        TestThread {
          for i in 0..<(round % 7) { actor.send(i) }
          system.stop(actor)
        }
      }
      let ends = await withTaskGroup(of: String.self) { group in
        for _ in 0..<4 { group.addTask { await actor.termination.kind } }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(ends == ["stopped", "stopped", "stopped", "stopped"])
      for thread in threads { await thread.value }
      let all = marks.all
      #expect(all.filter { $0 == .stopping("a") }.count == all.filter { $0 == .started("a") }.count)
      if all.contains(.started("a")) { #expect(all.last == .stopping("a")) }
      await system.shutdown()
    }
  }

  @Test(arguments: 0..<UInt64(64)) func `M6 the first of several reasons is told to all`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let actor = sim.system.spawn(state: 0) { (_: inout Int, m: consuming Int, _: Context<Int>) in throw Oops(m) }
    actor.send(5)
    let ends = (0..<5).map { _ in sim.start { await actor.termination } }
    sim.run()
    sim.system.stop(actor)
    sim.system.requestShutdown()
    sim.run()
    let late = sim.start { await actor.termination }
    sim.run()
    for end in ends + [late] {
      let cause = end.value?.failure?.error as? Oops
      #expect(cause == Oops(5))
    }
  }

  @Test func `M7 the end of one that is already dead is told at once`() async {
    let pool = Pooled()
    let actor = pool.system.spawn("dead", state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in }
    pool.system.stop(actor)
    #expect(await actor.termination.kind == "stopped")
    for _ in 0..<3 {
      let again = await actor.termination
      #expect(again.kind == "stopped")
      #expect(again.path == "pool/dead")
      #expect(again.description == "pool/dead stopped")
    }
    await pool.end()
    #expect(await actor.termination.kind == "stopped")
  }

  @Test func `M7 many wait before and after, and each is told once`() async {
    let pool = Pooled()
    let actor = pool.system.spawn(state: 0) { (_: inout Int, _: consuming Int, context: Context<Int>) in context.stop()
    }
    let told = Counter()
    await withTaskGroup(of: Void.self) { group in
      for i in 0..<200 {
        group.addTask {
          if i == 100 { actor.send(1) }
          _ = await actor.termination
          told.add()
        }
      }
    }
    #expect(told.value == 200)
    await pool.end()
  }

  @Test func `M7 the name is free once the end has been told`() async {
    let pool = Pooled()
    for _ in 0..<Scale.count(500) {
      let actor = pool.system.spawn("one", state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in }
      actor.send(1)
      pool.system.stop(actor)
      let kind = await actor.termination.kind
      #expect(kind == "stopped")
    }
    // The table lets go a moment after the end has been told.
    let isEmpty = await settled { pool.system.counts.topLevelActors == 0 }
    #expect(isEmpty)
    await pool.end()
  }
}
