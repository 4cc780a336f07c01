import CTroupeShims
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct BoundTests {
  /// The two kinds of mailbox that wait for room. All priorities are equal, so that one gives out in the
  /// order of the other.
  enum Kind: CaseIterable {
    case plain, prioritized
    func options(_ capacity: Int) -> SpawnOptions {
      switch self {
      case .plain: SpawnOptions(mailbox: .bounded(capacity))
      case .prioritized: SpawnOptions(mailbox: .prioritized(capacity) { (_: borrowing Int) in 0 })
      }
    }
  }
  static let seeds = 0..<UInt64(64)

  /// Holds its worker with the first message in hand until it is let go; writes down the others.
  struct Held: Behavior {
    let inside: Event
    let release: Event
    let seen: Trail<Int>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      if message < 0 {
        inside.set()
        release.spin()
      } else {
        seen.append(message)
      }
    }
  }

  @Test(arguments: [1, 2, 3, 8, 100], Kind.allCases) func `M2 a flood of trySend fills a mailbox exactly`(
    capacity: Int, kind: Kind
  ) async {
    let pool = Pooled(workers: 2)
    let (inside, release, seen) = (Event(), Event(), Trail<Int>())
    let actor = pool.system.spawn(options: kind.options(capacity)) {
      Held(inside: inside, release: release, seen: seen)
    }
    actor.send(-1)
    await inside.wait()
    let accepted = Counter()
    let threads = (0..<4).map { t in
      TestThread {
        for i in 0..<Scale.count(2000) {
          switch actor.trySend(t * 1_000_000 + i) {
          case .sent: accepted.add()
          case .full(let back): if back != t * 1_000_000 + i { accepted.add(1_000_000) }
          case .closed: accepted.add(1_000_000)
          }
        }
      }
    }
    for thread in threads { await thread.value }
    #expect(accepted.value == capacity)
    // What `send` cannot place is a dead letter.
    actor.send(5)
    #expect(pool.system.counts.deadLetters == [.mailboxFull: 1])
    release.set()
    await until { seen.count == capacity }
    await pool.end()
  }

  @Test(arguments: Kind.allCases) func `M2 the bound holds while threads and tasks send and the actor takes`(
    kind: Kind
  ) async {
    for capacity in [1, 2, 7] {
      let pool = Pooled(workers: 2)
      let (accepted, handled, worst) = (Counter(), Counter(), Trail<Int>())
      let actor = pool.system.spawn(options: kind.options(capacity), state: 0) {
        (_: inout Int, _: consuming Int, _: Context<Int>) in
        // Accepted and not yet taken, this one apart: never more than the bound. `accepted` lags behind the
        // sends, so the figure is too small rather than too large.
        let queued = accepted.value - handled.value - 1
        handled.add()
        if queued > capacity { worst.append(queued) }
      }
      let count = Scale.count(3000)
      let threads = (0..<2).map { _ in
        TestThread {
          var sent = 0
          while sent < count {
            if case .sent = actor.trySend(1) {
              sent += 1
              accepted.add()
            } else {
              troupe_thread_yield()
            }
          }
        }
      }
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask {
            for _ in 0..<count {
              let outcome = await actor.deliver(1)
              if outcome == .sent { accepted.add() }
            }
          }
        }
      }
      for thread in threads { await thread.value }
      await until { handled.value == 6 * count }
      #expect(accepted.value == 6 * count)
      #expect(worst.all.isEmpty, "capacity \(capacity)")
      #expect(pool.system.counts.allDeadLetters == 0)
      await pool.end()
    }
  }

  @Test(arguments: seeds, Kind.allCases) func `M2 deliver waits for room and keeps order, simulated`(
    seed: UInt64, kind: Kind
  ) {
    let sim = Simulation(seed: seed)
    let seen = Trail<Int>()
    let actor = sim.system.spawn(options: kind.options(1 + Int(seed % 3)), state: 0) {
      (_: inout Int, message: consuming Int, _: Context<Int>) in seen.append(message)
    }
    let senders = (0..<4).map { s in
      sim.start { () -> [WaitingSendOutcome<Int>] in
        var outcomes: [WaitingSendOutcome<Int>] = []
        for i in 0..<50 { outcomes.append(await actor.deliver(s * 1000 + i)) }
        return outcomes
      }
    }
    sim.run()
    for (s, sender) in senders.enumerated() {
      #expect(sender.value?.allSatisfy { $0 == .sent } == true)
      #expect(seen.all.filter { $0 / 1000 == s } == (0..<50).map { s * 1000 + $0 })
    }
    sim.end()
  }

  @Test(arguments: seeds, Kind.allCases) func `M2 a stop gives every waiting message back, or counts it`(
    seed: UInt64, kind: Kind
  ) {
    let sim = Simulation(seed: seed)
    let actor = sim.system.spawn(options: kind.options(2), state: 0) {
      (_: inout Int, message: consuming Int, context: Context<Int>) in
      if message == 30 { context.stop(seed % 2 == 0 ? .now : .drain) }
    }
    let senders = (0..<8).map { s in
      sim.start { () -> Int in
        var sent = 0
        for i in 0..<10 {
          switch await actor.deliver(s * 10 + i) {
          case .sent: sent += 1
          case .closed(let back): if back != s * 10 + i { return -1_000_000 }
          default: return -1_000_000
          }
        }
        return sent
      }
    }
    sim.run()
    let sent = senders.reduce(0) { $0 + ($1.value ?? -1_000_000) }
    #expect(sent == sim.system.counts.settledMessages)
    sim.end()
  }

  @Test(arguments: Kind.allCases)
  func `M2 a deliver that times out or is cancelled or comes too late gives the message back`(kind: Kind) async {
    let pool = Pooled(workers: 2)
    let (inside, release, seen) = (Event(), Event(), Trail<Int>())
    let actor = pool.system.spawn(options: kind.options(1)) {
      Held(inside: inside, release: release, seen: seen)
    }
    actor.send(-1)
    await inside.wait()
    #expect(actor.trySend(1) == .sent)
    let zero = await actor.deliver(2, timeout: .zero)
    #expect(zero == .timedOut(2))
    let negative = await actor.deliver(3, timeout: .seconds(-5))
    #expect(negative == .timedOut(3))
    let clock = ContinuousClock()
    let start = clock.now
    let timed = await actor.deliver(4, timeout: .milliseconds(20))
    #expect(timed == .timedOut(4))
    #expect(clock.now - start >= .milliseconds(20))
    let enormous = Task { await actor.deliver(5, timeout: .seconds(Int64.max)) }
    enormous.cancel()
    #expect(await enormous.value == .cancelled(5))
    // Of two that wait, one is cancelled; the other one gets the room.
    let kept = Task { await actor.deliver(6) }
    let dropped = Task { await actor.deliver(7) }
    dropped.cancel()
    #expect(await dropped.value == .cancelled(7))
    release.set()
    #expect(await kept.value == .sent)
    await until { seen.count == 2 }
    #expect(seen.all == [1, 6])
    pool.system.stop(actor)
    _ = await actor.termination
    #expect(await actor.deliver(8) == .closed(8))
    await pool.end()
  }

  @Test func `M2 a noncopyable message that was not delivered comes back whole`() async {
    let ledger = Ledger()
    let pool = Pooled(workers: 2)
    let (inside, release) = (Event(), Event())
    let actor = pool.system.spawn(options: SpawnOptions(mailbox: .bounded(1)), state: 0) {
      (_: inout Int, _: consuming Token, _: Context<Token>) in
      inside.set()
      release.spin()
    }
    actor.send(Token(ledger))
    await inside.wait()
    actor.send(Token(ledger))
    switch await actor.deliver(Token(ledger), timeout: .milliseconds(1)) {
    case .timedOut(let token):
      #expect(ledger.alive >= 2)
      _ = consume token
    default: Issue.record("delivered into a full mailbox")
    }
    release.set()
    await pool.end()
    #expect(ledger.isBalanced)
  }
}
