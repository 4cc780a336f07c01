import TestSupport
import Testing
import Troupe

@Suite(.spins) struct ReceptionistTests {
  let key = ServiceKey<Int>("numbers")

  private func listener(_ sim: Simulation, _ trail: Trail<[Address<Int>]>) -> Address<Listing<Int>> {
    sim.system.spawn("listener", state: trail) { trail, listing, _ in trail.append(listing.addresses) }
  }

  private func sink(_ sim: Simulation, _ name: String) -> Address<Int> {
    sim.system.spawn(name, state: 0) { (_, _: consuming Int, _) in }
  }

  @Test(arguments: 0..<UInt64(32)) func `what is registered is found in order, and gone when it ends`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let desk = sim.system.receptionist
    let (a, b, c) = (sink(sim, "a"), sink(sim, "b"), sink(sim, "c"))
    for each in [a, b, c, a] { desk.register(each, as: key) }
    let key = key
    let first = sim.start { try await desk.find(key) }
    sim.run()
    #expect(first.value == [a, b, c])
    sim.system.stop(b)
    sim.run()
    let second = sim.start { try await desk.find(ServiceKey<Int>("numbers")) }
    sim.run()
    #expect(second.value == [a, c])
    desk.deregister(a, from: key)
    let third = sim.start { try await desk.find(key) }
    let none = sim.start { try await desk.find(ServiceKey<String>("numbers")).count }
    sim.run()
    #expect(third.value == [c])
    #expect(none.value == 0)
    sim.end()
    #expect(sim.system.counts.allDeadLetters == 0)
  }

  @Test(arguments: 0..<UInt64(32)) func `a subscriber hears the listing and each change`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let desk = sim.system.receptionist
    let trail = Trail<[Address<Int>]>()
    let (a, b) = (sink(sim, "a"), sink(sim, "b"))
    let listener = listener(sim, trail)
    desk.register(a, as: key)
    desk.subscribe(listener, to: key)
    desk.register(b, as: key)
    desk.register(b, as: key)
    sim.run()
    sim.system.stop(a)
    sim.run()
    #expect(trail.all == [[a], [a, b], [b]])
    desk.unsubscribe(listener, from: key)
    desk.deregister(b, from: key)
    sim.run()
    #expect(trail.count == 3)
    sim.end()
    #expect(sim.system.counts.allDeadLetters == 0)
  }

  @Test(arguments: 0..<UInt64(16)) func `one actor under several keys and through adapters goes from all of them`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let desk = sim.system.receptionist
    let a = sink(sim, "a")
    let other = ServiceKey<Int>("others")
    let strings = ServiceKey<String>("strings")
    let (x, y): (Address<String>, Address<String>) = (a.contramap { $0.count }, a.contramap { -$0.count })
    desk.register(a, as: key)
    desk.register(a, as: other)
    desk.register(x, as: strings)
    desk.register(y, as: strings)
    let key = key
    func counts() -> [Int]? {
      let outcome = sim.start {
        [
          try await desk.find(key).count, try await desk.find(other).count, try await desk.find(strings).count,
        ]
      }
      sim.run()
      return outcome.value
    }
    #expect(counts() == [1, 1, 2])
    desk.deregister(x, from: strings)
    desk.deregister(a, from: other)
    #expect(counts() == [1, 0, 1])
    sim.system.stop(a)
    sim.run()
    #expect(counts() == [0, 0, 0])
    // One that has ended already is gone again at once.
    desk.register(a, as: key)
    sim.run()
    #expect(counts() == [0, 0, 0])
    sim.end()
  }

  @Test func `there is one for each system, also when many threads ask for it first`() async throws {
    for _ in 0..<Scale.count(50) {
      let pool = Pooled(workers: 2)
      let system = pool.system
      let key = key
      await withTaskGroup(of: Void.self) { group in
        for n in 0..<8 {
          group.addTask {
            system.receptionist.register(
              system.spawn("n\(n)", state: 0) { (_, _: consuming Int, _) in }, as: key)
          }
        }
      }
      #expect(try await system.receptionist.find(key).count == 8)
      await pool.end()
      // After the end it is another one, that has ended.
      #expect(
        await failureOf { () async throws(AskError) in try await system.receptionist.find(key).count }?.kind == "ended")
    }
  }

  @Test func `an extension is made once, and let go of at the end`() async {
    final class Made: Sendable {
      let witness: Witness
      init(_ ledger: Ledger) { witness = Witness(ledger) }
    }
    enum Holder { @TaskLocal static var ledger: Ledger? }
    struct Own: SystemExtension {
      let made: Made
      init(in system: ActorSystem) { made = Made(Holder.ledger!) }
    }
    let ledger = Ledger()
    let pool = Pooled()
    Holder.$ledger.withValue(ledger) {
      #expect(pool.system.shared(Own.self).made === pool.system.shared(Own.self).made)
    }
    #expect(ledger.madeCount == 1 && ledger.alive == 1)
    await pool.end()
    #expect(ledger.isBalanced)
  }
}
