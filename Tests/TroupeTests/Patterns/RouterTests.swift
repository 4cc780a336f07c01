import TestSupport
import Testing
import Troupe

/// A worker that notes what it gets, with its own name.
struct Noter: Behavior {
  enum Message: Sendable { case note(Int), stop, fail }
  let seen: Trail<(worker: String, id: Int)>
  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    switch message {
    case .note(let id): seen.append((String(context.path.split(separator: "/").last!), id))
    case .stop:
      seen.append(("", -1))
      context.stop()
    case .fail:
      seen.append(("", -2))
      throw Oops()
    }
  }
}

extension Trail where Value == (worker: String, id: Int) {
  /// How many each worker got.
  var shares: [String: Int] { all.reduce(into: [:]) { $0[$1.worker, default: 0] += 1 } }
  var ids: [Int] { all.map(\.id) }
}

@Suite(.spins) struct RouterTests {
  typealias Seen = Trail<(worker: String, id: Int)>

  @Test(arguments: 0..<UInt64(32)) func `round robin gives each its turn`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Seen()
    let pool = PoolRouter(in: sim.system, "pool", size: 3) { Noter(seen: seen) }
    for id in 0..<12 { pool.address.send(.note(id)) }
    sim.run()
    #expect(seen.shares == ["worker-1": 4, "worker-2": 4, "worker-3": 4])
    for worker in seen.shares.keys {
      let ids = seen.all.filter { $0.worker == worker }.map(\.id)
      #expect(ids == ids.sorted())
    }
    sim.end()
    #expect(sim.system.counts.allDeadLetters == 0)
  }

  @Test(arguments: 0..<UInt64(8)) func `a random choice repeats with its seed, and reaches all`(seed: UInt64) {
    func run() -> [String] {
      let sim = Simulation(seed: 1)
      let seen = Seen()
      let pool = PoolRouter(in: sim.system, size: 4, strategy: .random(seed: seed)) { Noter(seen: seen) }
      for id in 0..<100 { pool.address.send(.note(id)) }
      sim.run()
      sim.end()
      return seen.all.sorted { $0.id < $1.id }.map(\.worker)
    }
    let first = run()
    #expect(first == run())
    #expect(Set(first).count == 4)
  }

  @Test(arguments: 0..<UInt64(16)) func `the least loaded worker is preferred`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Seen()
    let pool = PoolRouter(in: sim.system, size: 3, strategy: .leastLoaded) { Noter(seen: seen) }
    let found = sim.start { try await pool.workers() }
    sim.run()
    let workers = found.value!
    sim.system.suspend(workers[0])
    sim.run()
    for _ in 0..<5 { workers[0].send(.note(-1)) }
    #expect(workers.map(\.pendingCount) == [5, 0, 0])
    for id in 0..<8 { pool.address.send(.note(id)) }
    sim.run()
    #expect(workers.map(\.pendingCount) == [5, 0, 0])
    #expect(seen.shares == ["worker-2": 4, "worker-3": 4])
    sim.system.resume(workers[0])
    sim.run()
    #expect(seen.shares["worker-1"] == 5)
    sim.end()
  }

  @Test(arguments: 0..<UInt64(16)) func `a key stays with its worker, and few keys move when one comes`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Seen()
    let strategy = RoutingStrategy<Noter.Message>.consistentHashing { message -> Int in
      if case .note(let id) = message { id } else { 0 }
    }
    let pool = PoolRouter(in: sim.system, size: 4, strategy: strategy) { Noter(seen: seen) }
    func places() -> [Int: String] {
      seen.clear()
      for id in 0..<400 { pool.address.send(.note(id)) }
      sim.run()
      return Dictionary(uniqueKeysWithValues: seen.all.map { ($0.id, $0.worker) })
    }
    let before = places()
    #expect(before.count == 400)
    #expect(seen.shares.values.allSatisfy { $0 > 40 }, "\(seen.shares)")
    #expect(places() == before)
    pool.resize(to: 5)
    let after = places()
    let moved = before.filter { after[$0.key] != $0.value }
    #expect(moved.keys.allSatisfy { after[$0] == "worker-5" })
    #expect(moved.count > 20 && moved.count < 160, "\(moved.count)")
    sim.end()
    #expect(sim.system.counts.allDeadLetters == 0)
  }

  @Test func `the hash is the same in every run`() {
    func hash(_ value: some StableHashable) -> UInt64 {
      var hasher = StableHasher()
      value.hash(into: &hasher)
      return hasher.hash
    }
    #expect(hash("") == 0xEFD0_1F60_BA99_2926)
    #expect(hash("tea") == 0x274E_6F33_C949_7C61)
    #expect(hash(7) == hash(UInt64(7)))
    #expect(hash([1, 2]) != hash([2, 1]))
  }

  @Test(arguments: 0..<UInt64(16)) func `a broadcast reaches all`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Seen()
    let pool = PoolRouter(in: sim.system, size: 3, strategy: .broadcast) { Noter(seen: seen) }
    for id in 0..<4 { pool.address.send(.note(id)) }
    sim.run()
    #expect(seen.shares == ["worker-1": 4, "worker-2": 4, "worker-3": 4])
    sim.end()
  }

  @Test(arguments: 0..<UInt64(32)) func `a full worker is passed over, and what nobody takes is a dead letter`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let seen = Seen()
    let pool = PoolRouter(
      in: sim.system, size: 3, workerOptions: SpawnOptions(mailbox: .bounded(2))
    ) { Noter(seen: seen) }
    let found = sim.start { try await pool.workers() }
    sim.run()
    for worker in found.value!.prefix(2) { sim.system.suspend(worker) }
    sim.run()
    // Two and two wait at the suspended ones; the third handles the rest when it comes to it.
    for id in 0..<6 { pool.address.send(.note(id)) }
    sim.run()
    #expect(seen.count == 2)
    for worker in found.value! { sim.system.suspend(worker) }
    sim.run()
    for id in 6..<10 { pool.address.send(.note(id)) }
    sim.run()
    #expect(sim.system.counts.deadLetters == [.undeliverable: 2])
    #expect(sim.letters.all.allSatisfy { $0.messageType == "Noter.Message" })
    for worker in found.value! { sim.system.resume(worker) }
    sim.run()
    #expect(Set(seen.ids).count == 8)
    sim.end()
  }

  @Test(arguments: 0..<UInt64(32)) func `a worker that ends is replaced, and nothing is lost on the way`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Seen()
    let pool = PoolRouter(in: sim.system, size: 1) { Noter(seen: seen) }
    pool.address.send(.stop)
    sim.run()
    for id in 0..<10 { pool.address.send(.note(id)) }
    sim.run()
    #expect(seen.ids == [-1] + Array(0..<10))
    #expect(seen.shares["worker-2"] == 10)
    // Twice in a short time: the next one waits, and with it the messages.
    pool.address.send(.stop)
    sim.run()
    for id in 10..<20 { pool.address.send(.note(id)) }
    sim.run()
    #expect(seen.count == 12)
    sim.advance(by: .seconds(1))
    #expect(seen.ids.filter { $0 >= 0 } == Array(0..<20))
    #expect(sim.system.counts.allDeadLetters == 0)
    sim.end()
  }

  @Test(arguments: 0..<UInt64(8)) func `workers that cannot start are tried again ever more seldom`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let tries = Counter()
    struct Broken: Behavior {
      let tries: Counter
      mutating func started(in context: Context<Int>) throws {
        tries.add()
        throw Oops()
      }
      mutating func receive(_ message: consuming Int, in context: Context<Int>) {}
    }
    let pool = PoolRouter(in: sim.system, size: 1) { Broken(tries: tries) }
    pool.address.send(1)
    sim.run()
    #expect(tries.value == 2)
    sim.advance(by: .seconds(60))
    #expect(tries.value > 5 && tries.value < 15, "\(tries.value)")
    sim.end()
    // The message waited for a worker until the end, or was in one's mailbox when it gave up.
    #expect(sim.system.counts.allDeadLetters == 1)
  }

  @Test(arguments: 0..<UInt64(64)) func `nothing is lost while workers come, go and fail`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    var random = Random(seed: seed)
    let seen = Seen()
    let strategies: [RoutingStrategy<Noter.Message>] = [
      .roundRobin, .leastLoaded, .random(seed: seed), .consistentHashing { _ in 1 },
    ]
    let pool = PoolRouter(
      in: sim.system, "pool", size: 3, strategy: strategies[Int(seed % 4)],
      options: SpawnOptions(mailbox: seed % 3 == 0 ? .bounded(10) : .unbounded, stashCapacity: 5),
      workerOptions: SpawnOptions(mailbox: seed % 2 == 0 ? .bounded(4) : .unbounded)
    ) { Noter(seen: seen) }
    var sent = 0
    for _ in 0..<300 {
      switch random.below(20) {
      case 0: pool.resize(to: 1 + random.below(5))
      case 1, 2:
        pool.address.send(random.chance(1, in: 2) ? .stop : .fail)
        sent += 1
      case 3: sim.advance(by: .milliseconds(random.below(500)))
      default:
        pool.address.send(.note(sent))
        sent += 1
      }
      for _ in 0..<random.below(3) { _ = sim.scheduler.step() }
    }
    sim.run()
    #expect(pool.address.pendingCount == 0)
    sim.end()
    let notes = seen.ids.filter { $0 >= 0 }
    #expect(Set(notes).count == notes.count)
    // A resize that found the router's mailbox full is no message of ours.
    let lost = sim.letters.all.count { !($0.messageType.contains("RouterCommand") && $0.reason == .mailboxFull) }
    #expect(seen.count + lost == sent, "\(sim.system.counts)")
  }

  @Test(arguments: 0..<UInt64(32)) func `a pool that shrinks lets its workers finish`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Seen()
    let pool = PoolRouter(in: sim.system, size: 5) { Noter(seen: seen) }
    for id in 0..<50 { pool.address.send(.note(id)) }
    pool.resize(to: 2)
    for id in 50..<60 { pool.address.send(.note(id)) }
    sim.run()
    #expect(Set(seen.ids).count == 60)
    let found = sim.start { try await pool.workers().map(\.path) }
    sim.run()
    #expect(found.value == ["sim/$1/worker-1", "sim/$1/worker-2"] || found.value?.count == 2)
    sim.end()
    #expect(sim.system.counts.allDeadLetters == 0)
  }

  @Test(arguments: 0..<UInt64(16)) func `noncopyable messages with replies go through`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let pool = PoolRouter(in: sim.system, size: 2, options: SpawnOptions(mailbox: .bounded(8))) { Oracle() }
    let answers = (0..<4).map { n in sim.start { try await pool.address.ask { .double(n, $0) } as Int } }
    sim.run()
    #expect(answers.map(\.value) == [0, 2, 4, 6])
    sim.end()
  }

  /// Answers questions in its own way.
  struct Replier: ~Copyable, Behavior {
    enum Way: Sendable { case answer, fail, never }
    let name: String
    let way: Way
    var kept: Reply<String>?
    init(_ name: String, _ way: Way) { (self.name, self.way) = (name, way) }

    mutating func receive(
      _ message: consuming ServiceRequest<Int, String>, in context: Context<ServiceRequest<Int, String>>
    ) throws {
      switch way {
      case .answer: message.answer("\(name) \(message.request)")
      case .fail: throw Oops(message.request)
      case .never: kept = .some(message.reply)
      }
    }
  }

  @Test(arguments: 0..<UInt64(32)) func `the first answer wins`(seed: UInt64) {
    let sim = Simulation(seed: seed, supervision: .resume)
    let key = ServiceKey<ServiceRequest<Int, String>>("repliers")
    let ways: [Replier.Way] = [.never, .fail, .answer]
    for (index, way) in ways.enumerated() {
      sim.system.receptionist.register(sim.system.spawn { Replier("r\(index)", way) }, as: key)
    }
    let group = GroupRouter(in: sim.system, key: key, strategy: .scatterGatherFirst(within: .seconds(2)))
    sim.run()
    let answer = sim.start { try await group.address.ask { ServiceRequest(7, $0) } }
    sim.run()
    #expect(answer.value == "r2 7")
    sim.advance(by: .seconds(5))
    #expect(sim.system.counts.allDeadLetters == 0)
    sim.end()
  }

  @Test(arguments: 0..<UInt64(16)) func `if all fail the last failure is the answer`(seed: UInt64) {
    let sim = Simulation(seed: seed, supervision: .resume)
    let pool = PoolRouter(in: sim.system, size: 3, strategy: .scatterGatherFirst(within: .seconds(1))) {
      Replier("x", .fail)
    }
    let answer = sim.start { try await pool.address.ask { ServiceRequest(7, $0) } }
    sim.run()
    #expect((answer.askError?.cause as? AskError)?.cause as? Oops == Oops(7))
    sim.end()
    #expect(sim.system.counts.allDeadLetters == 0)
  }

  @Test(arguments: 0..<UInt64(32)) func `a group follows the receptionist`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Seen()
    let key = ServiceKey<Noter.Message>("noters")
    let group = GroupRouter(in: sim.system, "group", key: key)
    // Before the first listing: it waits, and then there is nobody.
    group.address.send(.note(0))
    sim.run()
    #expect(sim.system.counts.deadLetters == [.undeliverable: 1])
    let (a, b) = (sim.system.spawn("a") { Noter(seen: seen) }, sim.system.spawn("b") { Noter(seen: seen) })
    sim.system.receptionist.register(a, as: key)
    sim.system.receptionist.register(b, as: key)
    sim.run()
    for id in 1...4 { group.address.send(.note(id)) }
    sim.run()
    #expect(seen.shares == ["a": 2, "b": 2])
    sim.system.stop(a)
    for id in 5...8 { group.address.send(.note(id)) }
    sim.run()
    let members = sim.start { try await group.members() }
    sim.run()
    #expect(members.value == [b])
    // What was at `a` when it stopped is a dead letter of its own.
    #expect(seen.count + sim.system.counts.allDeadLetters == 9)
    sim.system.restart(group.address)
    group.address.send(.note(9))
    sim.run()
    #expect(seen.ids.last == 9)
    sim.end()
  }

  @Test func `a pool on threads answers everything`() async throws {
    let pool = Pooled(workers: 4)
    let oracles = PoolRouter(in: pool.system, "oracles", size: 4, strategy: .leastLoaded) { Oracle() }
    let count = Scale.count(500)
    let sum = await withTaskGroup(of: Int.self) { group in
      for task in 0..<4 {
        group.addTask {
          var sum = 0
          for n in 0..<count {
            if n == count / 2 { oracles.resize(to: 2 + task) }
            let answer = try? await oracles.address.ask(timeout: nil) { .double(n, $0) } as Int
            sum += answer ?? 0
          }
          return sum
        }
      }
      return await group.reduce(0, +)
    }
    #expect(sum == 4 * count * (count - 1))
    await pool.end()
    #expect(pool.system.counts.allDeadLetters == 0)
  }
}
