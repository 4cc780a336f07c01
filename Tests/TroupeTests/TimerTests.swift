import TestSupport
import Testing
import Troupe

@Suite struct TimerTests {
  static let seeds = 0..<UInt64(16)

  /// Writes down each message with the time in milliseconds since the start, and does what `body` says.
  static func clocked(
    _ sim: Simulation, _ seen: Trail<[Int]>, capacity: Int = 0, supervision: Supervision? = nil,
    _ body: @escaping @Sendable (Int, Context<Int>) throws -> Void
  ) -> Address<Int> {
    let scheduler = sim.scheduler
    let options = SpawnOptions(mailbox: capacity == 0 ? .unbounded : .bounded(capacity), supervision: supervision)
    return sim.system.spawn(options: options, state: scheduler.coarseNow) {
      (start: inout Int64, message: consuming Int, context: Context<Int>) in
      let message = message
      if message > 0 { seen.append([message, Int(scheduler.coarseNow - start) / 1_000_000]) }
      try body(message, context)
    }
  }

  @Test(arguments: seeds) func `once sends once, and no earlier`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Trail<[Int]>()
    let actor = Self.clocked(sim, seen) { message, context in
      if message == 0 { context.timers.once("a", after: .milliseconds(10), 1) }
      if message == 1 { #expect(!context.timers.isActive("a")) }
    }
    actor.send(0)
    sim.run()
    sim.advance(by: .milliseconds(9))
    #expect(seen.all.isEmpty)
    sim.advance(by: .seconds(60))
    #expect(seen.all == [[1, 10]])
    sim.end()
  }

  @Test func `each kind of timer takes a message, or a closure that makes it`() {
    let sim = Simulation(seed: 1)
    let seen = Trail<[Int]>()
    let actor = Self.clocked(sim, seen) { message, context in
      guard message == 0 else { return }
      let timers = context.timers
      var made = 0
      timers.once(1, after: .milliseconds(1)) {
        made += 1
        return made
      }
      #expect(made == 1)
      timers.once(2, after: .milliseconds(2), 2)
      timers.fixedRate(3, every: .milliseconds(3), 3)
      timers.fixedRate(4, every: .milliseconds(50), after: .milliseconds(4)) { 4 }
      timers.fixedDelay(5, every: .milliseconds(50), after: .milliseconds(5), 5)
      timers.fixedDelay(6, every: .milliseconds(50), after: .milliseconds(7)) { 7 }
    }
    actor.send(0)
    sim.run()
    sim.advance(by: .milliseconds(8))
    #expect(seen.all == [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [3, 6], [7, 7]])
    sim.end()
  }

  @Test func `a closure makes a message that cannot be copied`() {
    struct Token: ~Copyable { let number: Int }
    let sim = Simulation(seed: 1)
    let seen = Trail<Int>()
    let actor = sim.system.spawn("timed", state: 0) { (_: inout Int, token: consuming Token, context: Context<Token>) in
      if token.number > 0 { return seen.append(token.number) }
      context.timers.once("a", after: .milliseconds(1)) { Token(number: 1) }
      context.timers.once("b", after: .milliseconds(2), Token(number: 2))
      context.timers.fixedDelay("c", every: .milliseconds(3)) { Token(number: 3) }
    }
    actor.send(Token(number: 0))
    sim.run()
    sim.advance(by: .milliseconds(4))
    #expect(seen.all == [1, 2, 3])
    sim.end()
  }

  @Test(arguments: seeds) func `of timers that have fired at the end, only the message of once is lost`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Trail<[Int]>()
    let actor = Self.clocked(sim, seen) { message, context in
      guard message == 0 else { return }
      context.timers.once("a", after: .milliseconds(1), 1)
      context.timers.fixedRate("b", every: .milliseconds(1)) { 2 }
      context.timers.fixedDelay("c", every: .milliseconds(1)) { 3 }
      context.setReceiveTimeout(.milliseconds(1))
    }
    actor.send(0)
    sim.run()
    // A suspended actor opens nothing, so all four wait in its mailbox.
    sim.system.suspend(actor)
    sim.advance(by: .milliseconds(10))
    #expect(sim.scheduler.timerCount == 0)
    sim.system.stop(actor)
    sim.run()
    #expect(seen.all.isEmpty)
    #expect(sim.system.counts.deadLetters == [.queuedAtEnd: 1])
    sim.end()
  }

  @Test func `durations of nothing, less and too much`() {
    let sim = Simulation(seed: 1)
    let seen = Trail<[Int]>()
    let actor = Self.clocked(sim, seen) { message, context in
      guard message == 0 else { return }
      let timers = context.timers
      timers.once(1, after: .zero, 1)
      timers.once(2, after: .seconds(-5), 2)
      timers.once(3, after: .seconds(Int64.min), 3)
      timers.once(4, after: .seconds(Int64.max), 4)
      timers.fixedRate(5, every: .seconds(Int64.max), after: .zero) { 5 }
      timers.fixedDelay(6, every: .seconds(Int64.max), after: .seconds(Int64.min)) { 6 }
      timers.fixedRate(7, every: .seconds(1), after: .seconds(-100)) { 7 }
      context.setReceiveTimeout(.seconds(Int64.max))
    }
    actor.send(0)
    sim.run()
    sim.advance(by: .milliseconds(500))
    // Each at once and once, but for the one that is too far away.
    #expect(seen.all.map { $0[0] }.sorted() == [1, 2, 3, 5, 6, 7])
    sim.advance(by: .milliseconds(600))
    #expect(seen.all.count == 7)
    sim.end()
  }

  @Test(arguments: seeds) func `fixedRate keeps its time, catches up, and has never two in the mailbox`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Trail<[Int]>()
    let actor = Self.clocked(sim, seen) { message, context in
      if message == 0 { context.timers.fixedRate("a", every: .milliseconds(10), after: .milliseconds(5)) { 1 } }
    }
    actor.send(0)
    sim.advance(by: .milliseconds(30))
    #expect(seen.all == [[1, 5], [1, 15], [1, 25]])
    sim.system.suspend(actor)
    sim.advance(by: .milliseconds(100))
    actor.send(7)
    sim.system.resume(actor)
    sim.run()
    sim.advance(by: .milliseconds(30))
    let all = seen.all
    // The one that was in the mailbox, then the message behind it, then what was missed.
    #expect(Array(all[3...4]) == [[1, 130], [7, 130]])
    #expect(all.filter { $0 == [1, 130] }.count == 10)
    #expect(Array(all.suffix(3)) == [[1, 135], [1, 145], [1, 155]])
    sim.end()
  }

  @Test(arguments: seeds) func `fixedDelay counts from the handling`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Trail<[Int]>()
    let actor = Self.clocked(sim, seen) { message, context in
      if message == 0 { context.timers.fixedDelay("a", every: .milliseconds(10)) { 1 } }
    }
    actor.send(0)
    sim.advance(by: .milliseconds(25))
    sim.system.suspend(actor)
    sim.advance(by: .milliseconds(100))
    sim.system.resume(actor)
    sim.run()
    sim.advance(by: .milliseconds(25))
    #expect(seen.all == [[1, 10], [1, 20], [1, 125], [1, 135], [1, 145]])
    sim.end()
  }

  @Test(arguments: seeds) func `the same key replaces, also one that has fired`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Trail<[Int]>()
    let actor = Self.clocked(sim, seen) { message, context in
      if message == 0 { context.timers.once("a", after: .milliseconds(10), 1) }
      if message == -1 { context.timers.fixedRate("a", every: .milliseconds(10)) { 2 } }
      if message == -2 { context.timers.once("a", after: .milliseconds(3), 3) }
    }
    for message in [0, -1, -2] {
      actor.send(message)
      sim.run()
      if seed % 2 == 0 && message > -2 {
        sim.system.suspend(actor)
        sim.run()
        // The next message comes before the timer has fired.
        actor.send(message - 1)
        sim.advance(by: .milliseconds(20))
        sim.system.resume(actor)
        sim.run()
      }
    }
    let before = seen.count
    #expect(before == 0)
    sim.advance(by: .milliseconds(100))
    #expect(seen.all.map { $0[0] } == [3])
    sim.end()
  }

  @Test func `what is replaced or cancelled lets go of its message at once`() {
    let (sim, ledger, alive) = (Simulation(seed: 1), Ledger(), Trail<Int>())
    let actor = sim.system.spawn("a", state: 0) { (n: inout Int, message: consuming Token, context: Context<Token>) in
      n += 1
      if n < 4 { context.timers.once("far", after: .seconds(3600), message) }
      if n == 4 { context.timers.cancel("far") }
      alive.append(ledger.alive)
    }
    for _ in 0..<4 {
      actor.send(Token(ledger))
      sim.run()
    }
    // The one that waits.
    #expect(alive.all == [1, 1, 1, 0])
    sim.end()
  }

  @Test(arguments: seeds) func `cancel and cancelAll stop what has fired and is not yet handled`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Trail<[Int]>()
    let actor = Self.clocked(sim, seen) { message, context in
      if message == 0 {
        context.timers.once("a", after: .milliseconds(1), 1)
        context.timers.fixedRate("b", every: .milliseconds(1)) { 2 }
        context.timers.fixedDelay("c", every: .milliseconds(1)) { 3 }
        context.timers.once("d", after: .milliseconds(1), 4)
        context.timers.cancel("nobody")
      }
      if message == -1 {
        if seed % 2 == 0 {
          context.timers.cancelAll()
        } else {
          for key in ["a", "b", "c"] { context.timers.cancel(key) }
        }
        #expect(!context.timers.isActive("a") && !context.timers.isActive("b") && !context.timers.isActive("c"))
      }
    }
    actor.send(0)
    sim.run()
    sim.system.suspend(actor)
    sim.run()
    actor.send(-1)
    sim.advance(by: .milliseconds(5))
    sim.system.resume(actor)
    sim.advance(by: .seconds(1))
    #expect(seen.all == (seed % 2 == 0 ? [] : [[4, 5]]))
    sim.end()
    #expect(sim.system.counts.allDeadLetters == 0)
  }

  @Test(arguments: seeds) func `M3 timers have room in a full mailbox, and take none of it`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Trail<[Int]>()
    let actor = Self.clocked(sim, seen, capacity: 2) { message, context in
      if message == 0 { for i in 10..<15 { context.timers.once(i, after: .milliseconds(1), i) } }
    }
    actor.send(0)
    sim.run()
    sim.system.suspend(actor)
    sim.run()
    for i in 1...2 { actor.send(i) }
    sim.advance(by: .milliseconds(5))
    #expect(actor.trySend(3) == .full(3))
    sim.system.resume(actor)
    sim.run()
    #expect(Array(seen.all.map { $0[0] }.prefix(2)) == [1, 2])
    #expect(Set(seen.all.map { $0[0] }) == [1, 2, 10, 11, 12, 13, 14] && seen.count == 7)
    sim.end()
  }

  @Test(arguments: seeds) func `M11 a stop with timers pending or fired leaves nothing behind`(seed: UInt64) {
    let ledger = Ledger()
    let sim = Simulation(seed: seed)
    let actor = sim.system.spawn(state: 0) { (n: inout Int, message: consuming Token, context: Context<Token>) in
      for i in 0..<10 { context.timers.once(i, after: .milliseconds(i), Token(ledger)) }
      let witness = Witness(ledger)
      context.timers.fixedRate("r", every: .milliseconds(2)) { withExtendedLifetime(witness) { Token(ledger) } }
      context.setReceiveTimeout(.milliseconds(3))
    }
    actor.send(Token(ledger))
    sim.run()
    sim.system.suspend(actor)
    sim.advance(by: .milliseconds(Int64(seed)))
    sim.system.stop(actor)
    #expect(sim.end(of: actor) == "stopped")
    #expect(ledger.isBalanced, "\(ledger.alive) stay")
    sim.advance(by: .seconds(10))
    #expect(ledger.isBalanced)
    sim.end()
  }
}
