import Dispatch
import Synchronization
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct DispatcherLifeTests {
  @Test(arguments: Site.allCases) func `messages of each sender are handled in order, on any dispatcher`(
    site: Site
  ) async {
    struct Numbered { let sender, number: Int }
    let pool = Pooled(workers: 2)
    let (senders, count) = (4, Scale.count(5000))
    let wrong = Counter()
    let done = Countdown(senders * count)
    let actor = pool.system.spawn(options: site.options, state: Array(repeating: 0, count: senders)) {
      (next: inout [Int], message: consuming Numbered, _: Context<Numbered>) in
      if next[message.sender] != message.number { wrong.add() }
      next[message.sender] += 1
      done.down()
    }
    let threads = (0..<senders / 2).map { s in
      TestThread { for n in 0..<count { actor.send(Numbered(sender: s, number: n)) } }
    }
    // The others are actors of the pool.
    for s in senders / 2..<senders {
      pool.system.spawn(state: 0) { (number: inout Int, _: consuming Int, context: Context<Int>) in
        actor.send(Numbered(sender: s, number: number))
        number += 1
        if number < count { context.address.send(0) }
      }.send(0)
    }
    for thread in threads { await thread.value }
    await done.wait()
    await pool.end()
    #expect(wrong.value == 0)
    #expect(pool.system.counts.handled == senders * count + (senders - senders / 2) * count)
  }

  struct Ball: Sendable {
    let left: Int
    let next: Address<Ball>
    let after: Address<Ball>
  }
  struct Paddle: Behavior {
    let done: Event
    func receive(_ message: consuming Ball, in context: Context<Ball>) {
      if message.left == 0 { return done.set() }
      message.next.send(Ball(left: message.left - 1, next: message.after, after: message.next))
    }
  }
  struct AsyncPaddle: AsyncBehavior {
    let done: Event
    func receive(_ message: consuming Ball, in context: Context<Ball>) async {
      if message.left % 100 == 0 { await Task.yield() }
      if message.left == 0 { return done.set() }
      message.next.send(Ball(left: message.left - 1, next: message.after, after: message.next))
    }
  }

  @Test(arguments: Site.allCases, Site.allCases) func `no message between two dispatchers loses its wake-up`(
    a: Site, b: Site
  ) async {
    for isAsync in [false, true] {
      let pool = Pooled(workers: 2)
      let done = Event()
      let pair = [a, b].map { site in
        isAsync
          ? pool.system.spawn(options: site.options) { AsyncPaddle(done: done) }
          : pool.system.spawn(options: site.options) { Paddle(done: done) }
      }
      pair[0].send(Ball(left: Scale.count(1000), next: pair[1], after: pair[0]))
      await done.wait()
      await pool.end()
      #expect(pool.system.counts.handled == Scale.count(1000) + 1)
    }
  }

  /// Blocks, awaits what waits on the workers and what does not, and says on which threads it ran.
  struct Wandering: AsyncBehavior {
    let oracle: Address<Oracle.Message>
    let mayBlock: Bool
    let threads: Trail<UInt>
    func receive(_ message: consuming Reply<Int>, in context: Context<Reply<Int>>) async throws {
      note()
      var sum = try await oracle.ask(timeout: nil) { .double(1, $0) } as Int
      note()
      await Task.detached {}.value
      note()
      if mayBlock { sum += try block() } else { sum += 4 }
      await TaskYield.yield()
      note()
      message.send(sum)
    }
    private func note() { threads.append(currentThread) }
    private func block() throws -> Int { try oracle.ask(timeout: nil) { .double(2, $0) } }
  }

  @Test(arguments: Site.allCases) func `asynchronous handlers come back to their dispatcher`(site: Site) async throws {
    let pool = Pooled(workers: 2)
    let oracle = pool.system.spawn { Oracle() }
    let threads = Trail<UInt>()
    let mayBlock = Site.thatMayBlock.contains(site)
    let actor = pool.system.spawn(options: site.options) {
      Wandering(oracle: oracle, mayBlock: mayBlock, threads: threads)
    }
    for _ in 0..<50 {
      let sum = try await actor.ask(timeout: nil) { $0 } as Int
      #expect(sum == 6)
    }
    if site == .pinned { #expect(Set(threads.all).count == 1) }
    await pool.end()
    await until { pool.system.dispatcherThreads == 0 }
  }

  @Test func `asynchronous handlers run on their queue after each await`() async throws {
    struct OnQueue: AsyncBehavior {
      let queue: DispatchQueue
      func receive(_ message: consuming Reply<Bool>, in context: Context<Reply<Bool>>) async {
        dispatchPrecondition(condition: .onQueue(queue))
        await Task.detached {}.value
        dispatchPrecondition(condition: .onQueue(queue))
        await TaskYield.yield()
        dispatchPrecondition(condition: .onQueue(queue))
        message.send(true)
      }
    }
    let pool = Pooled(workers: 1)
    let queue = DispatchQueue(label: "async")
    let actor = pool.system.spawn(options: SpawnOptions(dispatcher: .queue(queue))) { OnQueue(queue: queue) }
    for _ in 0..<20 {
      let isRight = try await actor.ask(timeout: nil) { $0 } as Bool
      #expect(isRight)
    }
    await pool.end()
  }

  @Test(arguments: Site.allCases) func `a failure fails the reply that was dropped, on any dispatcher`(site: Site) async
  {
    let pool = Pooled(workers: 1)
    let actor = pool.system.spawn(options: site.options, state: 0) {
      (_: inout Int, message: consuming Reply<Int>, _: Context<Reply<Int>>) in
      _ = consume message
      throw Oops(3)
    }
    let error = await failureOf { () async throws(AskError) in try await actor.ask(timeout: nil) { $0 } as Int }
    #expect(error?.cause as? Oops == Oops(3))
    #expect(await actor.termination.kind == "failed")
    await pool.end()
    #expect(pool.system.counts.failed == 1)
  }

  @Test func `a shutdown ends actors on every dispatcher, and their threads`() async {
    let pool = Pooled(workers: 2)
    let ledger = Ledger()
    let addresses = (0..<5).flatMap { _ in
      Site.allCases.map { site in pool.system.spawn(options: site.options) { LeakTests.Owner(ledger) } }
    }
    for address in addresses { address.send(LeakTests.Owner.Message(what: .keep, token: Token(ledger))) }
    let report = await pool.end()
    #expect(report.stuck.isEmpty)
    for address in addresses { #expect(await address.termination.kind == "systemStopped") }
    #expect(ledger.isBalanced)
    await until { pool.system.dispatcherThreads == 0 }
    // What comes later is refused, and starts no thread.
    for site in Site.allCases {
      #expect(await pool.system.spawn(options: site.options) { Oracle() }.termination.kind == "systemStopped")
    }
    #expect(pool.system.dispatcherThreads == 0)
  }

  @Test(arguments: Site.thatMayBlock) func `a handler that blocks at the deadline of a shutdown is reported as stuck`(
    site: Site
  ) async {
    let pool = Pooled(workers: 1)
    let (started, gate) = (Countdown(1), Gate())
    let actor = pool.system.spawn("stuck", options: site.options) { Blocker(started: started, gate: gate, ended: nil) }
    actor.send(1)
    await started.wait()
    let report = await pool.system.shutdown(deadline: .milliseconds(1))
    #expect(report.stuck == ["pool/stuck"])
    gate.open()
    await pool.end()
    await until { pool.system.dispatcherThreads == 0 }
  }

  @Test func `a name that is taken leaves no thread behind`() async {
    let pool = Pooled(workers: 1)
    pool.system.spawn("one") { Oracle() }
    for site in Site.besideThePool {
      let second = pool.system.spawn("one", options: site.options) { Oracle() }
      #expect(await second.termination.kind == "nameTaken")
    }
    #expect(pool.system.dispatcherThreads == 0)
    await pool.end()
  }

  @Test(arguments: Site.allCases) func `a simulation runs actors of every dispatcher itself`(site: Site) {
    let sim = Simulation(seed: 1)
    let handled = Counter()
    let actor = sim.system.spawn(options: site.options, state: 0) {
      (_: inout Int, _: consuming Int, _: Context<Int>) in handled.add()
    }
    for n in 0..<10 { actor.send(n) }
    #expect(handled.value == 0)
    sim.run()
    #expect(handled.value == 10)
    sim.end()
    #expect(sim.system.dispatcherThreads == 0)
  }

  @Test(arguments: Site.allCases) func `a system with actors on any dispatcher goes when they have ended`(site: Site)
    async
  {
    let ledger = Ledger()
    for _ in 0..<5 {
      let witness = Witness(ledger)
      let system = ActorSystem("short", options: .init(workers: 1, log: { _ in withExtendedLifetime(witness) {} }))
      let oracle = system.spawn(options: site.options) { Oracle() }
      let echo = system.spawn(options: site.options) { AsyncBehaviorTests.Echo() }
      _ = try? await oracle.ask { .double(1, $0) } as Int
      _ = try? await echo.ask { $0 } as Int
      await system.shutdown(deadline: nil)
    }
    let isGone = await settled { ledger.isBalanced }
    #expect(isGone, "\(ledger.alive) of \(ledger.madeCount) systems stay")
  }
}
