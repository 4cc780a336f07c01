import CTroupeShims
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct OrderTests {
  struct Numbered: Sendable {
    let sender: Int
    let number: Int
  }

  /// Complains about a number that does not come after the last one of the same sender.
  struct Checker: Behavior {
    let done: Countdown
    let wrong: Counter
    var last = [Int](repeating: -1, count: 16)
    init(done: Countdown, wrong: Counter) {
      self.done = done
      self.wrong = wrong
    }
    mutating func receive(_ message: consuming Numbered, in context: Context<Numbered>) {
      if message.number != last[message.sender] + 1 { wrong.add() }
      last[message.sender] = message.number
      done.down()
    }
  }
  struct AsyncChecker: AsyncBehavior {
    var inner: Checker
    init(done: Countdown, wrong: Counter) { inner = Checker(done: done, wrong: wrong) }
    mutating func receive(_ message: consuming Numbered, in context: Context<Numbered>) async {
      if message.number % 5 == 0 { await Task.yield() }
      if message.number != inner.last[message.sender] + 1 { inner.wrong.add() }
      inner.last[message.sender] = message.number
      inner.done.down()
    }
  }
  enum Mailbox: CaseIterable, Sendable {
    case unbounded, one, few
    var options: SpawnOptions {
      switch self {
      case .unbounded: SpawnOptions()
      case .one: SpawnOptions(mailbox: .bounded(1))
      case .few: SpawnOptions(mailbox: .bounded(7))
      }
    }
  }

  /// Sends its numbers a few at a time, and itself a message to go on.
  struct Source: Behavior {
    let sender: Int
    let count: Int
    let target: Address<Numbered>
    var next = 0
    mutating func receive(_ message: consuming Void, in context: Context<Void>) {
      for _ in 0..<4 where next < count {
        target.send(Numbered(sender: sender, number: next))
        next += 1
      }
      if next < count { context.address.send(()) }
    }
  }
  /// The same, waiting for room.
  struct WaitingSource: AsyncBehavior {
    var inner: Source
    mutating func receive(_ message: consuming Void, in context: Context<Void>) async {
      for _ in 0..<4 where inner.next < inner.count {
        _ = await inner.target.deliver(Numbered(sender: inner.sender, number: inner.next))
        inner.next += 1
      }
      if inner.next < inner.count { context.address.send(()) }
    }
  }
  static func spawnSource(
    _ sender: Int, _ count: Int, to target: Address<Numbered>, _ mailbox: Mailbox, in system: ActorSystem
  ) {
    let source = Source(sender: sender, count: count, target: target)
    if mailbox == .unbounded && sender % 2 == 0 {
      system.spawn { source }.send(())
    } else {
      system.spawn { WaitingSource(inner: source) }.send(())
    }
  }

  @Test(arguments: Mailbox.allCases, [false, true])
  func `M16 the messages of each thread, task and actor arrive in order`(mailbox: Mailbox, isAsync: Bool) async {
    let pool = Pooled(workers: 2)
    let count = Scale.count(3000)
    let (done, wrong) = (Countdown(8 * count), Counter())
    let target: Address<Numbered> =
      isAsync
      ? pool.system.spawn(options: mailbox.options) { AsyncChecker(done: done, wrong: wrong) }
      : pool.system.spawn(options: mailbox.options) { Checker(done: done, wrong: wrong) }
    let threads = (0..<2).map { s in
      TestThread {
        for n in 0..<count {
          while case .full = target.trySend(Numbered(sender: s, number: n)) { troupe_thread_yield() }
        }
      }
    }
    let tasks = (2..<6).map { s in
      let deliver: @concurrent @Sendable () async -> Void = {
        for n in 0..<count { _ = await target.deliver(Numbered(sender: s, number: n)) }
      }
      return s % 2 == 0 ? Task(operation: deliver) : Task(executorPreference: pool.system.executor, operation: deliver)
    }
    for s in 6..<8 { Self.spawnSource(s, count, to: target, mailbox, in: pool.system) }
    for thread in threads { await thread.value }
    for task in tasks { await task.value }
    await done.wait()
    #expect(wrong.value == 0)
    await pool.end()
  }

  @Test(arguments: 0..<UInt64(64)) func `M16 the messages of each task and actor arrive in order, simulated`(
    seed: UInt64
  ) {
    for mailbox in Mailbox.allCases {
      let sim = Simulation(seed: seed)
      let count = 60
      let (done, wrong) = (Countdown(6 * count), Counter())
      let target: Address<Numbered> =
        seed % 2 == 0
        ? sim.system.spawn(options: mailbox.options) { AsyncChecker(done: done, wrong: wrong) }
        : sim.system.spawn(options: mailbox.options) { Checker(done: done, wrong: wrong) }
      let through = target.contramap { (n: consuming Int) in Numbered(sender: 5, number: n) }
      for s in 0..<3 { Self.spawnSource(s, count, to: target, mailbox, in: sim.system) }
      for s in 3..<5 {
        _ = sim.start { for n in 0..<count { _ = await target.deliver(Numbered(sender: s, number: n)) } }
      }
      _ = sim.start { for n in 0..<count { _ = await through.deliver(n) } }
      sim.run()
      #expect(done.isOver)
      #expect(wrong.value == 0)
      sim.end()
    }
  }

  @Test func `M16 what a handler sends to itself comes after what was there`() {
    let sim = Simulation(seed: 1)
    let seen = Trail<Int>()
    let actor = sim.system.spawn(state: 0) { (_: inout Int, message: consuming Int, context: Context<Int>) in
      seen.append(message)
      if message < 3 { context.address.send(message + 10) }
    }
    for i in 0..<5 { actor.send(i) }
    sim.run()
    #expect(seen.all == [0, 1, 2, 3, 4, 10, 11, 12])
    sim.end()
  }
}
