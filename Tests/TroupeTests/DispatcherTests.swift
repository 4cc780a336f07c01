import Dispatch
import Synchronization
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct DispatcherTests {
  /// Answers twice the number, having blocked for it in two ways.
  struct BlockingAsker: Behavior {
    let oracle: Address<Oracle.Message>
    func receive(_ message: consuming Reply<Int>, in context: Context<Reply<Int>>) throws {
      let channel = Channel.unbounded(of: Int.self)
      let sender = channel.sender
      var receiver = channel.receiver
      let thread = TestThread { _ = sender.send(21) }
      let received = receiver.receive() ?? 0
      withExtendedLifetime(thread) {}
      message.send(try oracle.ask(timeout: nil) { .double(received, $0) } as Int)
    }
  }

  @Test(arguments: Site.thatMayBlock) func `handlers may block on threads of their own`(site: Site) async throws {
    let pool = Pooled(workers: 1)
    let oracle = pool.system.spawn { Oracle() }
    let asker = pool.system.spawn(options: site.options) { BlockingAsker(oracle: oracle) }
    for _ in 0..<20 {
      let answer = try await asker.ask(timeout: nil) { $0 } as Int
      #expect(answer == 42)
    }
    await pool.end()
  }

  @Test func `two blocking actors ask each other's thread`() async throws {
    let pool = Pooled(workers: 1)
    let oracle = pool.system.spawn(options: Site.blocking.options) { Oracle() }
    let asker = pool.system.spawn(options: Site.blocking.options) { BlockingAsker(oracle: oracle) }
    let answer = try await asker.ask(timeout: nil) { $0 } as Int
    #expect(answer == 42)
    await pool.end()
  }

  @Test func `64 blocked handlers keep neither another nor the pool from running`() async throws {
    let pool = Pooled(workers: 2)
    let (started, ended, gate) = (Countdown(64), Countdown(64), Gate())
    let options = SpawnOptions(dispatcher: .blocking)
    for _ in 0..<64 {
      pool.system.spawn(options: options) { Blocker(started: started, gate: gate, ended: ended) }.send(1)
    }
    await started.wait()
    #expect(pool.system.dispatcherThreads == 64)
    let another = pool.system.spawn(options: options) { Oracle() }
    let onPool = pool.system.spawn { Oracle() }
    for oracle in [another, onPool] {
      let answer = try await oracle.ask(timeout: nil) { .double(4, $0) } as Int
      #expect(answer == 8)
    }
    #expect(!ended.isOver)
    gate.open(64)
    await pool.end()
    #expect(ended.isOver)
  }

  @Test func `beyond the maximum of threads actors wait for their turn`() async {
    let log = Trail<String>()
    let system = ActorSystem("few", options: .init(workers: 1, log: { log.append($0) }, blockingThreads: 2))
    let (started, gate, handled) = (Countdown(2), Gate(), Countdown(10))
    for _ in 0..<2 {
      system.spawn(options: Site.blocking.options) { Blocker(started: started, gate: gate, ended: nil) }.send(1)
    }
    await started.wait()
    for _ in 0..<10 {
      system.spawn(options: Site.blocking.options, state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in
        handled.down()
      }.send(1)
    }
    #expect(system.dispatcherThreads == 2)
    #expect(!handled.isOver)
    gate.open()
    await handled.wait()
    // One that had nothing to do for long may be gone.
    #expect(system.dispatcherThreads <= 2)
    gate.open()
    await system.shutdown(deadline: nil)
  }

  @Test func `threads without work end, and come back with it`() async throws {
    var options = ActorSystem.Options(workers: 1)
    options.blockingPatience = .milliseconds(1)
    let system = ActorSystem("short", options: options)
    let (started, gate) = (Countdown(8), Gate())
    for _ in 0..<8 {
      system.spawn(options: Site.blocking.options) { Blocker(started: started, gate: gate, ended: nil) }.send(1)
    }
    await started.wait()
    #expect(system.dispatcherThreads == 8)
    gate.open(8)
    await until { system.dispatcherThreads == 0 }
    #expect(system.counts.handled == 8)
    let oracle = system.spawn(options: Site.blocking.options) { Oracle() }
    for n in 0..<20 {
      let answer = try await oracle.ask(timeout: nil) { .double(n, $0) } as Int
      #expect(answer == 2 * n)
      if n % 5 == 0 { await until { system.dispatcherThreads == 0 } }
    }
    await system.shutdown(deadline: nil)
    #expect(system.counts.handled == 28)
  }

  @Test func `messages that meet the end of a thread's patience are handled`() async {
    var options = ActorSystem.Options(workers: 1)
    options.blockingPatience = .microseconds(20)
    let system = ActorSystem("hasty", options: options)
    let handled = Counter()
    let actor = system.spawn(options: Site.blocking.options, state: 0) {
      (_: inout Int, _: consuming Int, _: Context<Int>) in handled.add()
    }
    await TestThread {
      for n in 1...Scale.count(3000) {
        actor.send(n)
        spinUntil { handled.value >= n }
        for _ in 0..<(n % 64 * 8) { _ = handled.value }
      }
    }.value
    await system.shutdown(deadline: nil)
  }

  @Test func `a pinned actor has one thread for its whole life`() async throws {
    struct Pinned: Behavior, ~Copyable {
      let trail: Trail<UInt>
      init(_ trail: Trail<UInt>) {
        self.trail = trail
        trail.append(currentThread)
      }
      deinit { trail.append(currentThread) }
      func started(in context: Context<Reply<UInt>>) { trail.append(currentThread) }
      func receive(_ message: consuming Reply<UInt>, in context: Context<Reply<UInt>>) { message.send(currentThread) }
      func stopping(in context: Context<Reply<UInt>>) { trail.append(currentThread) }
    }
    let pool = Pooled()
    let trails = (0..<2).map { _ in Trail<UInt>() }
    let actors = trails.map { trail in pool.system.spawn(options: Site.pinned.options) { Pinned(trail) } }
    var threads: [UInt] = []
    for (actor, trail) in zip(actors, trails) {
      for _ in 0..<50 { trail.append(try await actor.ask(timeout: nil) { $0 }) }
      threads.append(trail.all[0])
    }
    #expect(pool.system.dispatcherThreads == 2)
    for actor in actors {
      pool.system.stop(actor)
      _ = await actor.termination
    }
    for (trail, thread) in zip(trails, threads) { #expect(trail.all == Array(repeating: thread, count: 54)) }
    #expect(threads[0] != threads[1])
    await until { pool.system.dispatcherThreads == 0 }
    #expect(pool.system.counts.handled == 100)
    await pool.end()
  }

  @Test func `children are on the pool unless told otherwise`() async throws {
    let pool = Pooled(workers: 1)
    let children = Trail<Address<Reply<UInt>>>()
    let parent = pool.system.spawn(options: Site.pinned.options, state: 0) {
      (_: inout Int, message: consuming Reply<UInt>, context: Context<Reply<UInt>>) in
      children.append(context.spawn { WhereAmI() })
      children.append(context.spawn(options: SpawnOptions(dispatcher: .pinned)) { WhereAmI() })
      message.send(currentThread)
    }
    let own = try await parent.ask(timeout: nil) { $0 } as UInt
    for child in children.all {
      let thread = try await child.ask(timeout: nil) { $0 } as UInt
      #expect(thread != own)
    }
    #expect(pool.system.dispatcherThreads == 2)
    await pool.end()
    await until { pool.system.dispatcherThreads == 0 }
  }

  @Test(arguments: [Site.serialQueue, .concurrentQueue]) func `turns are blocks on the queue`(site: Site) async throws {
    let key = DispatchSpecificKey<Int>()
    let queue = DispatchQueue(label: "mine", attributes: site == .serialQueue ? [] : .concurrent)
    queue.setSpecific(key: key, value: 7)
    let pool = Pooled(workers: 2)
    let actors = (0..<4).map { _ in
      pool.system.spawn(options: SpawnOptions(dispatcher: .queue(queue)), state: 0) {
        (_: inout Int, message: consuming Reply<Int>, _: Context<Reply<Int>>) in
        dispatchPrecondition(condition: .onQueue(queue))
        message.send(DispatchQueue.getSpecific(key: key) ?? 0)
      }
    }
    for actor in actors {
      let value = try await actor.ask(timeout: nil) { $0 } as Int
      #expect(value == 7)
    }
    // Nothing runs while the queue is suspended, and then everything does.
    queue.suspend()
    let handled = Countdown(100)
    let counted = pool.system.spawn(options: SpawnOptions(dispatcher: .queue(queue)), state: 0) {
      (_: inout Int, _: consuming Int, _: Context<Int>) in handled.down()
    }
    for n in 0..<100 { counted.send(n) }
    // The last turn may be about to be counted; nothing is after it.
    let endsUnreferenced = await settled { pool.system.counts.handled == 4 }
    #expect(endsUnreferenced)
    queue.resume()
    await handled.wait()
    await pool.end()
    #expect(pool.system.counts.handled == 104)
  }

  @Test func `on a serial queue other blocks have their turn between batches`() async {
    let queue = DispatchQueue(label: "shared")
    let pool = Pooled(workers: 1)
    let isOver = Event()
    let endless = pool.system.spawn(options: SpawnOptions(dispatcher: .queue(queue))) { SchedulingTests.Endless() }
    endless.send(1)
    queue.async { queue.async { isOver.set() } }
    await isOver.wait()
    await pool.end()
  }
}
