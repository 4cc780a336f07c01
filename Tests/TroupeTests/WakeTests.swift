import CTroupeShims
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct WakeTests {
  @Test(arguments: 0..<UInt64(64)) func `M15 random interleavings of send, stop and drain lose no wake-up, simulated`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    var random = Random(seed: seed)
    let seen = Trail<Int>()
    let capacity = random.below(3)
    let options = SpawnOptions(mailbox: capacity == 0 ? .unbounded : .bounded(capacity))
    let isAsync = random.chance(1, in: 2)
    let actor: Address<Int> =
      isAsync
      ? sim.system.spawn(options: options) { AsyncRecorder(seen: seen) }
      : sim.system.spawn(options: options) { Recorder(seen: seen) }
    var accepted: [Int] = []
    for i in 0..<300 {
      // Runs of sends with nothing in between, and runs of steps down to the idle actor.
      for _ in 0..<random.below(4) {
        let n = accepted.count * 1000 + i
        if case .sent = actor.trySend(n) { accepted.append(n) }
      }
      if random.chance(1, in: 3) {
        sim.run()
        #expect(seen.count == accepted.count, "idle with messages in the queue")
      } else {
        for _ in 0..<random.below(3) { _ = sim.scheduler.step() }
      }
    }
    sim.run()
    #expect(seen.all == accepted)
    // A stop that meets an idle actor wakes it as well.
    sim.system.stop(actor)
    sim.run()
    #expect(sim.system.counts.topLevelActors == 0)
    sim.end()
  }

  struct Recorder: Behavior {
    let seen: Trail<Int>
    func receive(_ message: consuming Int, in context: Context<Int>) { seen.append(message) }
  }
  struct AsyncRecorder: AsyncBehavior {
    let seen: Trail<Int>
    func receive(_ message: consuming Int, in context: Context<Int>) async {
      if message % 3 == 0 { await Task.yield() }
      seen.append(message)
    }
  }

  @Test(arguments: [1, 2, 4]) func `M15 bursts from threads, with the actor idle in between, lose no wake-up`(
    workers: Int
  ) async {
    let pool = Pooled(workers: workers)
    let total = Scale.count(700_000)
    let threads = 3
    let handled = (0..<threads).map { _ in Counter() }
    let actor = pool.system.spawn(state: 0) { (_: inout Int, t: consuming Int, _: Context<Int>) in handled[t].add() }
    let running = (0..<threads).map { t in
      TestThread {
        var random = Random(seed: UInt64(t + 1))
        var sent = 0
        while sent < total / threads {
          let burst = min(1 << random.below(10), total / threads - sent)
          for _ in 0..<burst { actor.send(t) }
          sent += burst
          // Now and then wait until everything has been handled: the actor may be idle then, or about to be.
          if random.chance(1, in: 4) { spinUntil { handled[t].value >= sent } }
        }
      }
    }
    for thread in running { await thread.value }
    await until { handled.allSatisfy { $0.value == total / threads } }
    await pool.end()
  }

  @Test(arguments: [false, true]) func `M15 one message at a time to an idle actor is always handled`(isAsync: Bool)
    async
  {
    let pool = Pooled(workers: 2)
    let handled = Counter()
    let actor: Address<Int> =
      isAsync
      ? pool.system.spawn { AsyncTally(handled: handled) }
      : pool.system.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in handled.add() }
    await TestThread {
      for n in 1...Scale.count(20_000) {
        actor.send(n)
        // Every pass spins a little longer or shorter than the one before, so that the send meets each step
        // of going idle.
        spinUntil { handled.value >= n }
        for _ in 0..<(n % 64) { _ = handled.value }
      }
    }.value
    await pool.end()
  }

  struct AsyncTally: AsyncBehavior {
    let handled: Counter
    func receive(_ message: consuming Int, in context: Context<Int>) async { handled.add() }
  }

  @Test func `M15 two threads and an actor that idles between each of their messages`() async {
    let pool = Pooled(workers: 2)
    let handled = Counter()
    let actor = pool.system.spawn(options: SpawnOptions(mailbox: .bounded(2)), state: 0) {
      (_: inout Int, _: consuming Int, _: Context<Int>) in handled.add()
    }
    let count = Scale.count(50_000)
    let threads = (0..<2).map { _ in
      TestThread {
        for _ in 0..<count { while case .full = actor.trySend(1) { troupe_thread_yield() } }
      }
    }
    for thread in threads { await thread.value }
    await until { handled.value == 2 * count }
    await pool.end()
  }

  @Test func `M15 stops that race with going idle are always seen`() async {
    let pool = Pooled(workers: 2)
    for i in 0..<Scale.count(3000) {
      let handled = Event()
      let actor = pool.system.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in handled.set() }
      actor.send(1)
      if i % 2 == 0 { await handled.wait() }
      pool.system.stop(actor)
      _ = await actor.termination
    }
    await pool.end()
  }
}
