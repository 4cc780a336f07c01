import CTroupeShims
import TestSupport
import Testing
import Troupe

/// Sends what it gets on to others of its kind, and now and then throws, stops, or lets a child do it.
struct Gossip: Behavior, ~Copyable {
  struct Message: ~Copyable, Sendable {
    let hops: Int
    let token: Token
    init(_ hops: Int, _ ledger: Ledger) {
      self.hops = hops
      token = Token(ledger)
    }
  }
  /// What all of them share.
  final class Circle: Sendable {
    let sent = Counter()
    let refused = Counter()
    let ledger = Ledger()
    let others = Trail<Address<Message>>()
  }
  let circle: Circle
  var random: Random
  private let witness: Token

  init(_ circle: Circle, seed: UInt64) {
    self.circle = circle
    random = Random(seed: seed)
    witness = Token(circle.ledger)
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    if message.hops > 0 {
      let others = circle.others.all
      for _ in 0..<random.below(3) {
        Self.post(Message(message.hops - 1, circle.ledger), to: others[random.below(others.count)], circle, &random)
      }
    }
    switch random.below(100) {
    case 0: throw Oops()
    case 1: context.stop()
    case 2:
      let (circle, seed) = (circle, random.next())
      let child = context.spawn(options: Self.options(&random)) { Gossip(circle, seed: seed) }
      circle.others.append(child)
    case 3: if let one = circle.others.all.randomElement(using: &random) { context.stop(one) }
    default: break
    }
  }

  static func options(_ random: inout Random) -> SpawnOptions {
    SpawnOptions(mailbox: random.chance(1, in: 2) ? .unbounded : .bounded(1 + random.below(4)))
  }

  static func post(_ message: consuming Message, to other: Address<Message>, _ circle: Circle, _ random: inout Random) {
    circle.sent.add()
    if random.chance(1, in: 2) { return other.send(message) }
    switch other.trySend(message) {
    case .sent: break
    case .full(let back):
      circle.refused.add()
      _ = consume back
    case .closed(let back):
      circle.refused.add()
      _ = consume back
    }
  }
}

extension ActorSystem.Counts {
  var settledMessages: Int { handled + failed + allDeadLetters }
}

@Suite(.spins) struct LedgerTests {
  @Test(arguments: 0..<UInt64(64)) func `M1 everything sent is handled, failed, refused or a dead letter, simulated`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    var random = Random(seed: seed)
    let circle = Gossip.Circle()
    for i in 0..<6 {
      let seed = random.next()
      circle.others.append(
        sim.system.spawn("a\(i)", options: Gossip.options(&random)) { [circle] in
          if seed % 8 == 0 { throw Oops() }
          return Gossip(circle, seed: seed)
        })
    }
    for _ in 0..<600 {
      switch random.below(10) {
      case 0..<5:
        let others = circle.others.all
        Gossip.post(
          Gossip.Message(random.below(4), circle.ledger), to: others[random.below(others.count)], circle, &random)
      case 5 where random.chance(1, in: 10):
        let others = circle.others.all
        sim.system.stop(others[random.below(others.count)])
      default: _ = sim.scheduler.step()
      }
    }
    if seed % 2 == 0 { sim.run() }
    sim.end()
    let counts = sim.system.counts
    #expect(circle.sent.value == circle.refused.value + counts.settledMessages, "seed \(seed): \(counts)")
    #expect(counts.topLevelActors == 0)
    #expect(sim.letters.count == counts.allDeadLetters)
    #expect(
      circle.ledger.isBalanced, "\(circle.ledger.alive) of \(circle.ledger.madeCount) messages and behaviors stay")
  }

  @Test(arguments: 0..<UInt64(8)) func `M1 everything sent is handled, failed, refused or a dead letter, on threads`(
    seed: UInt64
  ) async {
    let pool = Pooled(workers: 2)
    var random = Random(seed: seed)
    let circle = Gossip.Circle()
    for i in 0..<8 {
      let seed = random.next()
      circle.others.append(
        pool.system.spawn("a\(i)", options: Gossip.options(&random)) { Gossip(circle, seed: seed) })
    }
    let system = pool.system
    let each = Scale.count(3000)
    let threads = (0..<3).map { _ in
      let seed = random.next()
      return TestThread {
        var random = Random(seed: seed)
        for _ in 0..<each {
          // No further ahead than this, or everything would be stopped before it starts.
          for _ in 0..<100_000 {
            if circle.sent.value - circle.refused.value - system.counts.settledMessages < each / 10 { break }
            troupe_thread_yield()
          }
          // Mostly the younger ones: the older have ended.
          let others = circle.others.all.suffix(random.chance(1, in: 10) ? .max : 8)
          let one = others.randomElement(using: &random)!
          if random.chance(1, in: 100) { system.stop(one) }
          if random.chance(1, in: 20) {
            let seed = random.next()
            circle.others.append(system.spawn(options: Gossip.options(&random)) { Gossip(circle, seed: seed) })
          }
          Gossip.post(Gossip.Message(random.below(3), circle.ledger), to: one, circle, &random)
        }
      }
    }
    // Half of the rounds shut down while the threads still send.
    if seed % 2 == 0 { for thread in threads { await thread.value } }
    await system.shutdown()
    if seed % 2 == 1 { for thread in threads { await thread.value } }
    let isBalanced = await settled { circle.sent.value == circle.refused.value + system.counts.settledMessages }
    if seed % 2 == 0 { #expect(system.counts.handled * 10 > circle.sent.value, "the dead got most of it") }
    #expect(isBalanced, "seed \(seed): sent \(circle.sent.value), refused \(circle.refused.value), \(system.counts)")
    #expect(system.counts.topLevelActors == 0)
    let isClean = await settled { circle.ledger.isBalanced }
    #expect(isClean, "\(circle.ledger.alive) of \(circle.ledger.madeCount) messages and behaviors stay")
  }

  @Test func `M1 a refused message comes back as it was`() {
    let sim = Simulation(seed: 1)
    let small = sim.system.spawn(options: SpawnOptions(mailbox: .bounded(1)), state: 0) {
      (_: inout Int, _: consuming String, _: Context<String>) in
    }
    #expect(small.trySend("a") == .sent)
    #expect(small.trySend("b") == .full("b"))
    sim.run()
    #expect(small.trySend("c") == .sent)
    sim.system.stop(small)
    sim.run()
    #expect(small.trySend("d") == .closed("d"))
    small.send("e")
    let counts = sim.system.counts
    #expect(counts.handled == 1)
    #expect(counts.deadLetters == [.queuedAtEnd: 1, .ended: 1])
    sim.end()
  }
}
