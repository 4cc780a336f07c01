import CTroupeShims
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct AsyncBehaviorTests {
  /// Suspends in one of several ways in each handler, and checks that nobody else is in it.
  struct Careful: AsyncBehavior {
    enum Way: CaseIterable, Sendable { case nothing, yield, detached, ask, channel, actor }
    let ways: [Way]
    let seen: Trail<Int>
    let wrong: Counter
    let echo: Address<Reply<Int>>
    var isBusy = false

    mutating func receive(_ message: consuming Int, in context: Context<Int>) async throws {
      if isBusy { wrong.add() }
      isBusy = true
      switch ways[message % ways.count] {
      case .nothing: break
      case .yield: await Task.yield()
      case .detached: await Task.detached {}.value
      case .ask: _ = try await echo.ask(timeout: nil) { $0 } as Int
      case .channel:
        let channel = Channel.unbounded(of: Int.self)
        let sender = channel.sender
        var receiver = channel.receiver
        Task.detached { sender.send(1) }
        if await receiver.receive() != 1 { wrong.add() }
      case .actor: await Elsewhere.shared.visit()
      }
      isBusy = false
      seen.append(message)
    }
  }
  @globalActor actor Elsewhere {
    static let shared = Elsewhere()
    var visits = 0
    func visit() { visits += 1 }
  }
  struct Echo: AsyncBehavior {
    func receive(_ message: consuming Reply<Int>, in context: Context<Reply<Int>>) async {
      await Task.yield()
      message.send(1)
    }
  }

  @Test(arguments: Careful.Way.allCases) func `a handler that suspends keeps one at a time and order`(way: Careful.Way)
    async
  {
    let pool = Pooled(workers: 2)
    let (seen, wrong) = (Trail<Int>(), Counter())
    let echo = pool.system.spawn { Echo() }
    let actor = pool.system.spawn { Careful(ways: [way, .nothing], seen: seen, wrong: wrong, echo: echo) }
    let count = Scale.count(1000)
    for i in 0..<count { actor.send(i) }
    await until { seen.count == count }
    #expect(seen.all == Array(0..<count))
    #expect(wrong.value == 0)
    await pool.end()
  }

  /// Leaves the workers in each handler. The runtime asks it for staleness where it takes the messages.
  struct Leaves: AsyncBehavior {
    let seen: Trail<Int>
    static let elsewhere = Counter()
    static func isStale(_ message: borrowing Int) -> Bool {
      if troupe_current_worker() == nil { elsewhere.add() }
      return false
    }
    func receive(_ message: consuming Int, in context: Context<Int>) async throws {
      try await Self.leave(message, seen)
    }
    @concurrent static func leave(_ message: Int, _ seen: Trail<Int>) async throws {
      seen.append(message)
      if message % 7 == 0 { throw Problem() }
    }
    struct Problem: Error {}
  }

  @Test func `a handler that leaves the workers, and throws, comes back to them`() async {
    let pool = Pooled(workers: 2)
    let seen = Trail<Int>()
    let options = SpawnOptions(supervision: .resume)
    let actors = (0..<2).map { _ in pool.system.spawn(options: options) { Leaves(seen: seen) } }
    let count = Scale.count(1000)
    for i in 0..<count { for actor in actors { actor.send(i) } }
    await until { seen.count == 2 * count }
    await pool.end()
    #expect(Leaves.elsewhere.value == 0)
  }

  @Test func `many actors whose handlers suspend in every way do not mix`() async {
    let pool = Pooled(workers: 2)
    let wrong = Counter()
    let echo = pool.system.spawn { Echo() }
    let trails = (0..<20).map { _ in Trail<Int>() }
    let actors = trails.map { seen in
      pool.system.spawn { Careful(ways: Careful.Way.allCases, seen: seen, wrong: wrong, echo: echo) }
    }
    let count = Scale.count(300)
    for i in 0..<count { for actor in actors { actor.send(i) } }
    for trail in trails { await until { trail.count == count } }
    #expect(trails.allSatisfy { $0.all == Array(0..<count) })
    #expect(wrong.value == 0)
    await pool.end()
  }

  @Test(arguments: 0..<UInt64(64)) func `handlers that ask others keep one at a time and order, simulated`(seed: UInt64)
  {
    let sim = Simulation(seed: seed)
    let wrong = Counter()
    let echo = sim.system.spawn { Echo() }
    let trails = (0..<4).map { _ in Trail<Int>() }
    let actors = trails.map { seen in
      sim.system.spawn { Careful(ways: [.ask, .nothing, .yield], seen: seen, wrong: wrong, echo: echo) }
    }
    for i in 0..<30 { for actor in actors { actor.send(i) } }
    sim.run()
    #expect(trails.allSatisfy { $0.all == Array(0..<30) })
    #expect(wrong.value == 0)
    sim.end()
    #expect(sim.system.counts.topLevelActors == 0)
  }

  @Test(arguments: [1, 2]) func `other actors run while handlers are suspended`(workers: Int) async {
    struct Waiting: AsyncBehavior {
      let inside: Countdown
      let release: Event
      func receive(_ message: consuming Int, in context: Context<Int>) async {
        inside.down()
        await release.wait()
      }
    }
    let pool = Pooled(workers: workers)
    let (inside, release) = (Countdown(10), Event())
    for _ in 0..<10 { pool.system.spawn { Waiting(inside: inside, release: release) }.send(1) }
    await inside.wait()
    let oracle = pool.system.spawn { Oracle() }
    let echo = pool.system.spawn { Echo() }
    for n in 0..<50 {
      let answer = try? await oracle.ask(timeout: nil) { .double(n, $0) } as Int
      let echoed = try? await echo.ask(timeout: nil) { $0 } as Int
      #expect(answer == 2 * n && echoed == 1)
    }
    release.set()
    await pool.end()
  }

  /// Drops its reply and throws, before or after it was suspended.
  struct Dropper: AsyncBehavior {
    enum Message: ~Copyable { case drop(Reply<Int>), dropAndThrow(Reply<Int>), dropSuspendAndThrow(Reply<Int>) }
    func receive(_ message: consuming Message, in context: Context<Message>) async throws {
      switch consume message {
      case .drop(let reply): _ = consume reply
      case .dropAndThrow(let reply):
        await Task.yield()
        _ = consume reply
        throw Oops(1)
      case .dropSuspendAndThrow(let reply):
        _ = consume reply
        await Task.yield()
        throw Oops(2)
      }
    }
  }

  @Test func `M10 a reply that an asynchronous handler dropped fails at once, or with its error`() async {
    let pool = Pooled()
    let first = pool.system.spawn { Dropper() }
    let dropped = await failureOf { () async throws(AskError) in try await first.ask(timeout: nil) { .drop($0) } as Int
    }
    #expect(dropped?.kind == "dropped")
    let thrown = await failureOf { () async throws(AskError) in
      try await first.ask(timeout: nil) { .dropAndThrow($0) } as Int
    }
    let cause = thrown?.cause as? Oops
    #expect(cause == Oops(1))
    let second = pool.system.spawn { Dropper() }
    let late = await failureOf { () async throws(AskError) in
      try await second.ask(timeout: nil) { .dropSuspendAndThrow($0) } as Int
    }
    let lateCause = late?.cause as? Oops
    #expect(lateCause == Oops(2))
    await pool.end()
  }

  @Test func `hooks may await, and what throws in them is a failure`() async {
    struct Hooked: AsyncBehavior {
      let marks: Trail<Mark>
      let allSent: Event
      func started(in context: Context<Int>) async throws {
        await allSent.wait()
        marks.append(.started("a"))
      }
      func receive(_ message: consuming Int, in context: Context<Int>) async throws {
        await Task.yield()
        if message == 2 { throw Oops(2) }
        marks.append(.handled("a", message))
      }
      func stopping(in context: Context<Int>) async {
        await Task.yield()
        marks.append(.stopping("a"))
      }
    }
    for _ in 0..<Scale.count(100) {
      let pool = Pooled()
      let (marks, allSent) = (Trail<Mark>(), Event())
      let actor = pool.system.spawn { Hooked(marks: marks, allSent: allSent) }
      for i in 1...3 { actor.send(i) }
      allSent.set()
      let failure = await actor.termination.failure
      let cause = failure?.error as? Oops
      #expect(cause == Oops(2))
      #expect(marks.all == [.started("a"), .handled("a", 1), .stopping("a")])
      #expect(pool.system.counts.deadLetters == [.queuedAtEnd: 1])
      await pool.end()
    }
  }

  @Test func `M6 a stop while a handler is suspended waits for its end`() async {
    struct Waiting: AsyncBehavior {
      let inside: Event
      let release: Event
      let marks: Trail<Mark>
      func receive(_ message: consuming Int, in context: Context<Int>) async {
        inside.set()
        await release.wait()
        marks.append(.handled("a", message))
      }
      func stopping(in context: Context<Int>) async { marks.append(.stopping("a")) }
    }
    let pool = Pooled()
    let (inside, release, marks) = (Event(), Event(), Trail<Mark>())
    let actor = pool.system.spawn { Waiting(inside: inside, release: release, marks: marks) }
    actor.send(1)
    actor.send(2)
    await inside.wait()
    pool.system.stop(actor)
    // Others go on meanwhile.
    let oracle = pool.system.spawn { Oracle() }
    let answer = try? await oracle.ask { .double(2, $0) } as Int
    #expect(answer == 4)
    #expect(marks.all.isEmpty)
    release.set()
    #expect(await actor.termination.kind == "stopped")
    #expect(marks.all == [.handled("a", 1), .stopping("a")])
    await pool.end()
  }
}
