import TestSupport
import Testing
import Troupe

/// What watches, links, timers and work leave behind: nothing.
@Suite(.spins) struct WatchMemoryTests {
  @Test func `M12 a watcher that ends first leaves nothing with those that it watched`() {
    let ledger = Ledger()
    let sim = Simulation(seed: 1)
    let actor = sim.system.patient("a")
    for i in 0..<100 {
      let witness = Witness(ledger)
      let watcher = sim.system.patient("w\(i)")
      watcher.send(
        .run { context in
          context.watch(actor, with: { _ in withExtendedLifetime(witness) { .number(1) } })
        })
    }
    sim.run()
    #expect(ledger.alive == 100)
    sim.system.stop(actor, .drain)
    sim.end()
    #expect(ledger.isBalanced, "\(ledger.alive) stay")
  }

  @Test func `M12 a watcher that ends first lets go while what it watched lives on`() {
    let ledger = Ledger()
    let sim = Simulation(seed: 2)
    let actor = sim.system.patient("a")
    for i in 0..<100 {
      let witness = Witness(ledger)
      let watcher = sim.system.patient("w\(i)")
      watcher.send(
        .run { context in
          context.watch(actor, with: { _ in withExtendedLifetime(witness) { .number(1) } })
          if i % 3 == 0 { context.unwatch(actor) }
          if i % 3 == 1 { context.stop() }
          if i % 3 == 2 { throw Oops() }
        })
    }
    sim.run()
    #expect(ledger.isBalanced, "\(ledger.alive) stay")
    #expect(sim.end(of: actor) == nil)
    sim.end()
  }

  @Test func `M12 spawn, watch and stop a million times: what is alive stays few`() async {
    let (ledger, ended, worst) = (Ledger(), Countdown(Scale.count(1_000_000)), Counter())
    let count = Scale.count(1_000_000)
    struct Child: Behavior, ~Copyable {
      let token: Token
      func receive(_ message: consuming Int, in context: Context<Int>) { context.stop() }
    }
    enum Message: Sendable { case begin, ended }
    struct Parent: Behavior {
      let (ledger, ended, worst, count): (Ledger, Countdown, Counter, Int)
      var (begun, told) = (0, 0)
      init(_ ledger: Ledger, _ ended: Countdown, _ worst: Counter, _ count: Int) {
        (self.ledger, self.ended, self.worst, self.count) = (ledger, ended, worst, count)
      }
      mutating func receive(_ message: consuming Message, in context: Context<Message>) {
        if case .ended = message {
          told += 1
          ended.down()
        }
        if begun == count { return }
        begun += 1
        let ledger = ledger
        let child = context.spawn { Child(token: Token(ledger)) }
        context.watch(child, with: { _ in .ended })
        child.send(1)
        if begun % 1000 == 0 { worst.add(max(0, ledger.alive - 1000)) }
      }
    }
    let pool = Pooled(workers: 2)
    let parent = pool.system.spawn("p") { Parent(ledger, ended, worst, count) }
    for _ in 0..<min(100, count) { parent.send(.begin) }
    await ended.wait()
    let isBalanced = await settled { ledger.isBalanced }
    #expect(isBalanced, "\(ledger.alive) of \(ledger.madeCount) stay")
    #expect(worst.value == 0)
    await pool.end()
  }

  /// A system goes only when its last cell has: what refers to a cell in a circle would keep it.
  private func isGone(_ ledger: Ledger, workers: Int = 2, _ use: (Pooled) async -> Void) async {
    for _ in 0..<5 {
      let witness = Witness(ledger)
      let pool = Pooled(
        workers: workers, supervision: .restartNow, listener: { _ in withExtendedLifetime(witness) {} })
      await use(pool)
      await pool.end()
    }
    let isGone = await settled { ledger.isBalanced }
    #expect(isGone, "\(ledger.alive) of \(ledger.madeCount) systems stay")
  }

  @Test func `M12 cells that watched, or were linked, are gone with their system`() async {
    await isGone(Ledger()) { pool in
      let actors = (0..<6).map { pool.system.patient("a\($0)") }
      for (i, actor) in actors.enumerated() {
        let (next, self2) = (actors[(i + 1) % 6], actor)
        actor.send(
          .run { context in
            context.watch(next)
            context.watch(next, with: { _ in .number(1) })
            context.watch(self2)
            if i % 2 == 0 { context.link(next) }
          })
        actor.send(.fail(1))
      }
      pool.system.stop(actors[0])
      _ = await actors[0].termination
    }
  }

  @Test func `M12 one whose name was taken is gone with its system, though it was linked and watched`() async {
    await isGone(Ledger()) { pool in
      let one = pool.system.patient("x")
      let refused = pool.system.patient("x")
      one.send(.run { $0.watch(refused) })
      one.send(.run { $0.link(refused) })
      _ = await one.termination
    }
  }

  @Test func `M12 cells with timers, stashes and work are gone with their system`() async {
    await isGone(Ledger()) { pool in
      let forever = Event()
      for i in 0..<10 {
        let actor = pool.system.patient("a\(i)")
        let started = Event()
        actor.send(
          .run { context in
            context.timers.once("a", after: .seconds(Int64.max), .number(1))
            context.timers.once("b", after: .seconds(100), .number(1))
            context.timers.fixedRate("c", every: .nanoseconds(1)) { .number(2) }
            context.timers.fixedDelay("d", every: .milliseconds(1)) { .number(3) }
            context.setReceiveTimeout(.seconds(1))
            try context.stash(.number(1)).get()
            context.pipe({ await forever.wait() }, as: { _ in .number(4) })
            if i % 2 == 0 { throw Oops() }
            started.set()
          })
        if i % 2 == 1 { await started.wait() }
      }
      // The work does not heed its cancellation; it ends after the system.
      Task { forever.set() }
    }
  }
}
