import TestSupport
import Testing
import Troupe

@Suite(.spins) struct LeakTests {
  struct Owner: Behavior, ~Copyable {
    struct Message: ~Copyable, Sendable {
      enum What: Sendable { case keep, drop, fail, stop }
      let what: What
      let token: Token
    }
    let token: Token
    var kept: [Witness] = []
    let ledger: Ledger
    init(_ ledger: Ledger) {
      self.ledger = ledger
      token = Token(ledger)
    }
    mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
      switch message.what {
      case .keep: kept.append(Witness(ledger))
      case .drop: break
      case .fail: throw Oops()
      case .stop: context.stop()
      }
    }
  }

  @Test(arguments: 0..<UInt64(64)) func `behaviors, factories and messages are destroyed once each`(seed: UInt64) {
    let ledger = Ledger()
    var random = Random(seed: seed)
    do {
      let sim = Simulation(seed: seed)
      for i in 0..<10 {
        let witness = Witness(ledger)
        let options = SpawnOptions(mailbox: i % 2 == 0 ? .unbounded : .bounded(5))
        let actor =
          i % 3 == 0
          ? sim.system.spawn(options: options, behavior: Owner(ledger))
          : sim.system.spawn(options: options) { [witness] in
            if i == 7 { throw Oops() }
            return withExtendedLifetime(witness) { Owner(ledger) }
          }
        for _ in 0..<random.below(80) {
          let what: Owner.Message.What = random.chance(1, in: 30) ? .fail : random.chance(1, in: 30) ? .stop : .keep
          actor.send(Owner.Message(what: what, token: Token(ledger)))
          if random.chance(1, in: 3) { _ = sim.scheduler.step() }
        }
        if random.chance(1, in: 3) { sim.system.stop(actor) }
      }
      if seed % 2 == 0 { sim.run() }
      sim.end()
      #expect(ledger.isBalanced, "\(ledger.alive) stay while the system is still there")
    }
    #expect(ledger.isBalanced)
  }

  @Test func `an ended actor gives back what it had although addresses stay`() async {
    let ledger = Ledger()
    let pool = Pooled()
    let actors = (0..<50).map { _ in pool.system.spawn { Owner(ledger) } }
    for actor in actors {
      for _ in 0..<100 { actor.send(Owner.Message(what: .keep, token: Token(ledger))) }
      actor.send(Owner.Message(what: .stop, token: Token(ledger)))
      actor.send(Owner.Message(what: .keep, token: Token(ledger)))
    }
    for actor in actors { _ = await actor.termination }
    #expect(ledger.isBalanced, "\(ledger.alive) stay")
    for actor in actors { actor.send(Owner.Message(what: .keep, token: Token(ledger))) }
    #expect(ledger.isBalanced)
    await pool.end()
  }

  @Test func `an adapter and what its closure holds go with the last address`() async {
    let ledger = Ledger()
    let pool = Pooled()
    let sink = pool.system.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in }
    do {
      let witness = Witness(ledger)
      let adapter = sink.contramap { (text: consuming String) in withExtendedLifetime(witness) { text.utf8.count } }
      let nested = adapter.contramap { (n: consuming Int) in "\(n)" }
      for i in 0..<100 { nested.send(i) }
    }
    #expect(ledger.isBalanced)
    await pool.end()
  }

  @Test func `a whole system goes when it has been shut down and nobody refers to it`() async {
    let ledger = Ledger()
    for _ in 0..<10 {
      let witness = Witness(ledger)
      let system = ActorSystem(
        "short", options: .init(workers: 2, supervision: .stop, log: { _ in withExtendedLifetime(witness) {} }))
      let oracle = system.spawn("a") { Oracle() }
      let echo = system.spawn("b") { AsyncBehaviorTests.Echo() }
      _ = try? await oracle.ask { .double(1, $0) } as Int
      _ = try? await echo.ask { $0 } as Int
      await system.shutdown(deadline: nil)
    }
    // The workers let go of it when they have given their threads back.
    let isGone = await settled { ledger.isBalanced }
    #expect(isGone, "\(ledger.alive) of \(ledger.madeCount) systems stay")
  }

  @Test func `M12 a parent keeps nothing of a child that has ended`() async {
    let ledger = Ledger()
    let pool = Pooled(workers: 2)
    let ended = Countdown(Scale.count(20_000))
    struct Child: Behavior, ~Copyable {
      let token: Token
      let ended: Countdown
      func receive(_ message: consuming Int, in context: Context<Int>) { context.stop() }
      func stopping(in context: Context<Int>) { ended.down() }
    }
    let parent = pool.system.spawn(state: 0) { (_: inout Int, message: consuming Int, context: Context<Int>) in
      for _ in 0..<message { context.spawn { Child(token: Token(ledger), ended: ended) }.send(1) }
    }
    for _ in 0..<100 { parent.send(Scale.count(20_000) / 100) }
    parent.send(Scale.count(20_000) % 100)
    await ended.wait()
    let isBalanced = await settled { ledger.isBalanced }
    #expect(isBalanced, "\(ledger.alive) of \(ledger.madeCount) stay")
    await pool.end()
  }
}
