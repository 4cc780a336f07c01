import TestSupport
import Testing
import Troupe

@Suite struct StashTests {
  static let seeds = 0..<UInt64(16)
  static let unstash = Patient.Message.run { $0.unstashAll() }

  @Test(arguments: seeds, [false, true]) func `stashed messages come first, in the order in which they were stashed`(
    seed: UInt64, isAsync: Bool
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, isAsync: isAsync)
    for n in 1...3 { actor.send(.stash(n)) }
    actor.send(.number(4))
    actor.send(Self.unstash)
    actor.send(.number(5))
    sim.run()
    #expect(notes.all == ["start 1", "4", "1", "2", "3", "5"])
    sim.end()
  }

  @Test func `what is stashed again while the stash is replayed keeps its place`() {
    let sim = Simulation(seed: 1)
    let seen = Trail<Int>()
    // Each number is put aside until its turn has come; a negative one brings the stash back.
    let actor = sim.system.spawn("a", state: 0) { (next: inout Int, message: consuming Int, context: Context<Int>) in
      if message < 0 { return context.unstashAll() }
      if message != next { return try context.stash(message).get() }
      seen.append(message)
      next += 1
      context.unstashAll()
    }
    for n in (0..<50).reversed() { actor.send(n) }
    sim.run()
    #expect(seen.all == Array(0..<50))
    sim.system.stop(actor)
    sim.run()
    #expect(sim.system.counts.handled == 50 && sim.system.counts.allDeadLetters == 0)
    sim.end()
  }

  @Test func `a full stash gives the message back, and its error fails the actor`() {
    let sim = Simulation(seed: 2)
    let (full, stashed) = (Trail<Int>(), Trail<Int>())
    let actor = sim.system.spawn("a", options: SpawnOptions(stashCapacity: 2), state: 0) {
      (_: inout Int, message: consuming Int, context: Context<Int>) in
      switch context.stash(message) {
      case .sent: stashed.append(context.stashCount)
      case .full(let back): full.append(back)
      case .closed: full.append(-1)
      }
    }
    for n in 0..<4 { actor.send(n) }
    sim.run()
    #expect(stashed.all == [1, 2] && full.all == [2, 3])
    let none = sim.system.patient("b", Trail(), options: SpawnOptions(stashCapacity: 0))
    none.send(.stash(1))
    #expect(sim.end(of: none) == "failed")
    sim.end()
    // Two that did not fit were handled, one failed, two were in the stash at the end.
    let counts = sim.system.counts
    #expect(counts.handled == 2 && counts.failed == 1 && counts.deadLetters == [.queuedAtEnd: 2])
  }

  @Test(arguments: seeds) func `M1 a stashed message is counted once, whatever becomes of it`(seed: UInt64) {
    var random = Random(seed: seed)
    let sim = Simulation(seed: seed)
    let actor = sim.system.patient("a", Trail(), .restartNow)
    var sent = 0
    for i in 0..<300 {
      switch random.below(8) {
      case 0: actor.send(Self.unstash)
      case 1: actor.send(.fail(i))
      case 2:
        // Stashed by a handler that fails afterwards: still one message, and one that was made by hand.
        actor.send(
          .run { context in
            _ = context.stash(.number(i))
            throw Oops()
          })
      case 3: actor.send(.number(i))
      default: actor.send(.stash(i))
      }
      sent += 1
      if random.chance(1, in: 4) { _ = sim.scheduler.step() }
    }
    if seed % 2 == 0 { sim.run() }
    sim.end()
    #expect(sim.system.counts.settledMessages == sent)
  }

  @Test func `noncopyable messages are stashed, replayed and destroyed once each`() {
    let ledger = Ledger()
    let sim = Simulation(seed: 3)
    let replayed = Counter()
    let actor = sim.system.spawn("a", state: 0) { (n: inout Int, message: consuming Token, context: Context<Token>) in
      n += 1
      if n <= 10 || n > 20 { return try context.stash(message).get() }
      replayed.add()
      if n == 11 { context.unstashAll() }
    }
    for _ in 0..<11 { actor.send(Token(ledger)) }
    sim.run()
    #expect(replayed.value == 10 && ledger.alive == 1)
    sim.end()
    #expect(ledger.isBalanced)
    #expect(sim.system.counts.settledMessages == 11)
  }

  @Test func `a stash at the end, in use or brought back, becomes dead letters`() {
    let sim = Simulation(seed: 4)
    let actor = sim.system.patient("a", Trail())
    for n in 1...3 { actor.send(.stash(n)) }
    actor.send(
      .run { context in
        context.unstashAll()
        _ = context.stash(.number(9))
        context.stop()
      })
    #expect(sim.end(of: actor) == "stopped")
    #expect(sim.system.counts.deadLetters == [.queuedAtEnd: 4])
    sim.end()
  }
}
