import TestSupport
import Testing
import Troupe

/// Mailboxes with rules for overflow, and with priorities.
@Suite(.spins) struct MailboxRuleTests {
  static let seeds = 0..<UInt64(32)

  /// Writes down what it gets.
  struct Keeps: Behavior, ~Copyable {
    let got: Trail<Int>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) { got.append(message) }
    mutating func signal(_ signal: Signal, in context: Context<Int>) { got.append(-1) }
  }

  private func isSent(_ outcome: consuming TrySendOutcome<Int>) -> Bool {
    switch consume outcome {
    case .sent: true
    case .full: false
    case .closed: false
    }
  }

  /// One that gets nothing until it is told to.
  private func suspended(
    _ sim: Simulation, _ got: Trail<Int>, _ mailbox: MailboxOptions, supervision: Supervision = .stop
  ) -> Address<Int> {
    let actor = sim.system.spawn(options: SpawnOptions(mailbox: mailbox, supervision: supervision)) { Keeps(got: got) }
    sim.run()
    sim.system.suspend(actor)
    sim.run()
    return actor
  }

  @Test(arguments: seeds) func `M4 dropping the oldest keeps the last, and counts as a model does`(seed: UInt64) {
    var random = Random(seed: seed)
    let sim = Simulation(seed: seed)
    let (got, capacity) = (Trail<Int>(), 1 + random.below(8))
    let actor = suspended(sim, got, .droppingOldest(capacity))
    var (model, handled, dropped) = ([Int](), [Int](), 0)
    for n in 0..<200 {
      if random.chance(1, in: 10) {
        sim.system.resume(actor)
        sim.run()
        handled += model
        model = []
        sim.system.suspend(actor)
        sim.run()
      }
      if case .sent = actor.trySend(n) {} else { Issue.record("refused") }
      model.append(n)
      if model.count > capacity {
        model.removeFirst()
        dropped += 1
      }
    }
    sim.system.resume(actor)
    sim.run()
    #expect(got.all == handled + model)
    #expect(sim.system.counts.deadLetters[.overflow, default: 0] == dropped)
    #expect(sim.system.counts.handled == 200 - dropped)
    sim.end()
  }

  @Test(arguments: seeds) func `M4 coalescing keeps the last of each key at the place of the first`(seed: UInt64) {
    var random = Random(seed: seed)
    let sim = Simulation(seed: seed)
    let got = Trail<Int>()
    let actor = suspended(sim, got, .coalescing(4) { (message: borrowing Int) in message % 6 })
    var (model, replaced, dropped) = ([Int](), 0, 0)
    for _ in 0..<100 {
      let message = random.below(1000)
      actor.send(message)
      if let place = model.firstIndex(where: { $0 % 6 == message % 6 }) {
        model[place] = message
        replaced += 1
        continue
      }
      model.append(message)
      if model.count > 4 {
        model.removeFirst()
        dropped += 1
      }
    }
    sim.system.resume(actor)
    sim.run()
    #expect(got.all == model)
    let letters = sim.system.counts.deadLetters
    #expect(letters[.replaced, default: 0] == replaced && letters[.overflow, default: 0] == dropped)
    sim.end()
  }

  @Test(arguments: seeds) func `priorities go first, and equals in the order sent`(seed: UInt64) {
    var random = Random(seed: seed)
    let sim = Simulation(seed: seed)
    let got = Trail<Int>()
    let actor = suspended(sim, got, .prioritized { (message: borrowing Int) in message % 5 - 2 })
    let messages = (0..<200).map { _ in random.below(1000) }
    for message in messages { actor.send(message) }
    sim.system.resume(actor)
    sim.run()
    let expected = messages.enumerated().sorted {
      ($1.element % 5, $0.offset) < ($0.element % 5, $1.offset)
    }.map(\.element)
    #expect(got.all == expected)
    sim.end()
  }

  @Test func `M2 a full mailbox with priorities rejects, whatever comes, and waits`() async {
    let sim = Simulation(seed: 1)
    let got = Trail<Int>()
    let actor = suspended(sim, got, .prioritized(3) { (message: borrowing Int) in copy message })
    for message in [1, 3, 2] { #expect(isSent(actor.trySend(message))) }
    if case .full(9) = actor.trySend(9) {} else { Issue.record("there was no room") }
    // What comes by way of an adapter takes the same room.
    let doubled: Address<Int> = actor.contramap { 2 * $0 }
    if case .full(8) = doubled.trySend(8) {} else { Issue.record("there was no room") }
    actor.send(9)
    let waiting = sim.start { await actor.deliver(7) == .sent }
    let other = sim.start { await doubled.deliver(4) == .sent }
    sim.run()
    #expect(sim.system.counts.deadLetters == [.mailboxFull: 1])
    sim.system.resume(actor)
    sim.run()
    #expect(waiting.value == true && other.value == true)
    #expect(got.all.first == 3 && got.all.sorted() == [1, 2, 3, 7, 8])
    #expect(isSent(actor.trySend(5)))
    sim.run()
    #expect(got.all.last == 5)
    sim.end()
  }

  @Test func `dropping the newest counts it, and tells the sender nothing`() {
    let sim = Simulation(seed: 1)
    let got = Trail<Int>()
    let actor = suspended(sim, got, .bounded(2, overflow: .dropNewest))
    for n in 0..<5 { #expect(isSent(actor.trySend(n))) }
    sim.system.resume(actor)
    sim.run()
    #expect(got.all == [0, 1])
    #expect(sim.system.counts.deadLetters == [.overflow: 3])
    sim.end()
  }

  @Test func `an overflow that is a failure is one, and the message comes back`() async {
    let sim = Simulation(seed: 1)
    let got = Trail<Int>()
    let actor = sim.system.spawn(options: SpawnOptions(mailbox: .bounded(2, overflow: .fail))) { Keeps(got: got) }
    for n in 0..<2 { #expect(isSent(actor.trySend(n))) }
    #expect(!isSent(actor.trySend(2)))
    sim.run()
    let end = sim.start { await actor.termination }
    sim.run()
    #expect(end.value?.failure?.error is MailboxOverflow)
    sim.end()
  }

  /// Sends to its watcher, and ends.
  struct Short: Behavior {
    let watcher: Address<Int>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      for n in 0..<message { watcher.send(n) }
      context.stop()
    }
  }

  @Test(arguments: seeds) func `M3 rules drop no notices, and notices come after what was sent before`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let got = Trail<Int>()
    struct Watches: Behavior, ~Copyable {
      let got: Trail<Int>
      mutating func receive(_ message: consuming Int, in context: Context<Int>) {
        if message >= 0 { return got.append(message) }
        for _ in 0..<3 {
          let address = context.address
          let child = context.spawn { Short(watcher: address) }
          context.watch(child)
          child.send(4)
        }
      }
      mutating func signal(_ signal: Signal, in context: Context<Int>) { got.append(-1) }
    }
    let actor = sim.system.spawn(options: SpawnOptions(mailbox: .droppingOldest(5))) { Watches(got: got) }
    actor.send(-1)
    sim.run()
    #expect(got.all.count { $0 == -1 } == 3)
    let dropped = sim.system.counts.deadLetters[.overflow, default: 0]
    #expect(got.all.count { $0 >= 0 } + dropped == 12)
    #expect(got.all.last == -1)
    sim.end()
  }

  @Test(arguments: [0, 1, 2]) func `M1 threads send, the ledger balances, the order of each is kept`(kind: Int) async {
    let pool = Pooled(workers: 2)
    let mailbox: MailboxOptions =
      switch kind {
      case 0: .droppingOldest(16)
      case 1: .coalescing(1 << 20) { (message: borrowing Int) in copy message }
      default: .prioritized { (_: borrowing Int) in 0 }
      }
    let (got, each) = (Trail<Int>(), Scale.count(20_000))
    let actor = pool.system.spawn(options: SpawnOptions(mailbox: mailbox)) { Keeps(got: got) }
    let threads = (0..<3).map { t in TestThread { for n in 0..<each { actor.send(t << 32 | n) } } }
    for thread in threads { await thread.value }
    pool.system.stop(actor, .drain)
    _ = await actor.termination
    await pool.end()
    let counts = pool.system.counts
    #expect(counts.handled + counts.allDeadLetters == 3 * each)
    #expect(counts.handled == got.count)
    for t in 0..<3 {
      let mine = got.all.filter { $0 >> 32 == t }
      #expect(mine == mine.sorted())
    }
  }

  @Test func `a key of another message type stops the program`() async {
    await #expect(processExitsWith: .failure) {
      let mailbox = MailboxOptions.coalescing(4) { (message: borrowing String) in copy message }
      _ = ActorSystem("x").spawn(options: SpawnOptions(mailbox: mailbox)) { Oracle() }
    }
    await #expect(processExitsWith: .failure) { _ = MailboxOptions.droppingOldest(0) }
    await #expect(processExitsWith: .failure) { _ = MailboxOptions.prioritized(0) { (_: borrowing Int) in 0 } }
    await #expect(processExitsWith: .failure) { _ = MailboxOptions.prioritized(1 << 18) { (_: borrowing Int) in 0 } }
  }

  @Test func `high water is told once, until it has gone down`() async {
    let pool = Pooled(workers: 1, highWater: 1000)
    let gate = Event()
    let actor = pool.system.spawn(state: 0) { (_: inout Int, message: consuming Int, _: Context<Int>) in
      if message == 0 { gate.spin() }
    }
    for n in 0...5000 { actor.send(n) }
    gate.set()
    pool.system.stop(actor, .drain)
    _ = await actor.termination
    #expect(pool.log.all.count { $0.contains("high water") } == 1)
    await pool.end()
  }
}
