import Synchronization
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct LifetimeTests {
  static let referenced = SpawnOptions(lifetime: .whileReferenced)

  struct Adder: Behavior {
    enum Message: ~Copyable {
      case add(Int)
      case keep(Address<Message>?)
      case timer(Duration?)
      case total(Reply<Int>)
    }
    let sums: Trail<Int>
    var sum = 0
    var kept: Address<Message>?
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .add(let n): sum += n
      case .keep(let address): kept = address
      case .timer(let delay):
        if let delay { context.timers.once("t", after: delay, .add(1)) } else { context.timers.cancelAll() }
      case .total(let reply): reply.send(sum)
      }
    }
    mutating func stopping(in context: Context<Message>) { sums.append(sum) }
  }

  /// Spawns one, does something with its address, and lets go of that.
  func life(
    _ sim: Simulation, _ sums: Trail<Int>, _ body: (Address<Adder.Message>) -> Void
  ) -> ActorID {
    let actor = sim.system.spawn("a", options: Self.referenced) { Adder(sums: sums) }
    body(actor)
    return actor.actor
  }

  @Test(arguments: 0..<UInt64(32)) func `the last address gone, what is queued is handled, then it ends`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let sums = Trail<Int>()
    let watcher = Trail<String>()
    _ = life(sim, sums) { actor in
      let weak = actor.weak
      sim.system.spawn("watcher") { Watcher(of: weak, ends: watcher) }
      sim.run()
      for i in 1...10 { actor.send(.add(i)) }
      if seed % 2 == 0 { sim.run() }
    }
    sim.run()
    #expect(sums.all == [55])
    #expect(watcher.all == ["unreferenced"])
    #expect(sim.letters.all.isEmpty)
    #expect(sim.system.counts.topLevelActors == 1)
    sim.end()
  }

  struct Watcher: Behavior {
    let target: WeakAddress<Adder.Message>
    let ends: Trail<String>
    init(of target: WeakAddress<Adder.Message>, ends: Trail<String>) {
      self.target = target
      self.ends = ends
    }
    mutating func started(in context: Context<Int>) { if let address = target.address { context.watch(address) } }
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {}
    mutating func signal(_ signal: Signal, in context: Context<Int>) {
      if case .terminated(let end) = signal { ends.append(end.kind) }
    }
  }

  @Test func `one that nobody ever had ends after its start`() {
    let sim = Simulation(seed: 1)
    let sums = Trail<Int>()
    _ = sim.system.spawn(options: Self.referenced) { Adder(sums: sums) }
    sim.run()
    #expect(sums.all == [0])
    #expect(sim.system.counts.topLevelActors == 0)
    sim.end()
  }

  @Test func `adapters and copies keep it, watches, ids and weak addresses do not`() {
    let sim = Simulation(seed: 2)
    let sums = Trail<Int>()
    var adapter: Address<Int>?
    var weak: WeakAddress<Adder.Message>?
    var weakAdapter: WeakAddress<Int>?
    let id = life(sim, sums) { actor in
      adapter = actor.contramap { .add($0) }.contramap { $0 * 2 }
      weak = actor.weak
      weakAdapter = adapter?.weak
      #expect(weak?.address == actor)
      #expect(weak?.address?.hashValue == actor.hashValue)
    }
    sim.run()
    adapter?.send(4)
    sim.run()
    #expect(sums.all.isEmpty)
    #expect(weakAdapter?.address != nil)
    var again = weak?.address
    adapter = nil
    #expect(weakAdapter?.address == nil)
    sim.run()
    #expect(sums.all.isEmpty)
    again?.send(.add(1))
    again = nil
    sim.run()
    #expect(sums.all == [9])
    #expect(weak?.address == nil)
    #expect(id.description == "sim/a")
    sim.end()
  }

  @Test func `its timers keep it, and then let it go`() {
    let sim = Simulation(seed: 3)
    let sums = Trail<Int>()
    _ = life(sim, sums) { $0.send(.timer(.seconds(5))) }
    sim.run()
    sim.advance(by: .seconds(4))
    #expect(sums.all.isEmpty)
    sim.advance(by: .seconds(2))
    #expect(sums.all == [1])
    sim.end()
  }

  @Test func `its own address in its state keeps it until it lets go`() {
    let sim = Simulation(seed: 4)
    let sums = Trail<Int>()
    var weak: WeakAddress<Adder.Message>?
    _ = life(sim, sums) { actor in
      actor.send(.keep(actor))
      weak = actor.weak
    }
    sim.run()
    #expect(sums.all.isEmpty)
    weak?.address?.send(.keep(nil))
    sim.run()
    #expect(sums.all == [0])
    sim.end()
  }

  @Test func `a suspended or restarting one waits, and ends afterwards`() {
    let sim = Simulation(seed: 5)
    let sums = Trail<Int>()
    var weak: WeakAddress<Adder.Message>?
    _ = life(sim, sums) { actor in
      sim.run()
      sim.system.suspend(actor)
      sim.run()
      actor.send(.add(7))
      weak = actor.weak
    }
    sim.run()
    #expect(sums.all.isEmpty)
    #expect(weak?.address == nil)
    #expect(sim.system.counts.topLevelActors == 1)
    sim.end()
    #expect(sums.all == [0])
    #expect(sim.system.counts.deadLetters == [.queuedAtEnd: 1])
  }

  @Test func `ask, deliver and tries go through a counted address`() async throws {
    let pool = Pooled(workers: 2)
    let sums = Trail<Int>()
    var options = Self.referenced
    options.mailbox = .bounded(2)
    var actor: Address<Adder.Message>? = pool.system.spawn("a", options: options) { Adder(sums: sums) }
    for i in 0..<100 { _ = await actor?.deliver(.add(i)) }
    await until { actor?.pendingCount == 0 }
    let total = try await actor?.ask { .total($0) }
    #expect(total == 4950)
    actor = nil
    #expect(await settled { sums.all == [4950] })
    await pool.end()
    #expect(pool.letters.all.isEmpty)
  }

  @Test(arguments: [1, 2]) func `addresses come and go on real threads, and no message is lost`(workers: Int) async {
    let pool = Pooled(workers: workers)
    let n = Scale.count(300)
    let sums = Trail<Int>()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<n {
        let actor = pool.system.spawn(options: Self.referenced) { Adder(sums: sums) }
        for _ in 0..<4 {
          group.addTask {
            let weak = actor.weak
            for _ in 0..<10 {
              let copy = weak.address
              copy?.send(.add(1))
              await Task.yield()
            }
          }
        }
      }
    }
    #expect(await settled { sums.count == n })
    #expect(sums.all.allSatisfy { $0 == 40 })
    #expect(pool.letters.all.isEmpty)
    await pool.end()
  }

  @Test func `without references a hundred thousand leave nothing behind`() async {
    let pool = Pooled(workers: 2)
    let n = Scale.count(100_000)
    let sums = Trail<Int>()
    for i in 0..<n { pool.system.spawn(options: Self.referenced) { Adder(sums: sums) }.send(.add(i)) }
    #expect(await settled { sums.count == n })
    #expect(await settled { pool.system.counts.topLevelActors == 0 })
    #expect(pool.letters.all.isEmpty)
    await pool.end()
  }
}
