import TestSupport
import Testing
import Troupe

@Suite(.spins) struct EventStreamTests {
  @Test(arguments: 0..<UInt64(32)) func `events reach the subscribers in order, through their filters`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let stream = EventStream<Int>(in: sim.system, "numbers")
    let (all, even) = (Trail<Int>(), Trail<Int>())
    let a = sim.system.spawn(state: all) { (trail, n: consuming Int, _) in trail.append(n) }
    let b = sim.system.spawn(state: even) { (trail, n: consuming Int, _) in trail.append(n) }
    stream.publish(-1)
    stream.subscribe(a)
    stream.subscribe(a)
    stream.subscribe(b, where: { $0 % 2 == 0 })
    for n in 0..<6 { stream.publish(n) }
    stream.unsubscribe(b)
    stream.publisher.send(6)
    sim.run()
    #expect(all.all == [0, 1, 2, 3, 4, 5, 6])
    #expect(even.all == [0, 2, 4])
    sim.end()
    #expect(sim.system.counts.allDeadLetters == 0)
  }

  @Test(arguments: 0..<UInt64(32)) func `a subscriber that ends is removed, with all its adapters`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let stream = EventStream<Int>(in: sim.system)
    let trail = Trail<String>()
    let a = sim.system.spawn(state: trail) { (trail, s: consuming String, _) in trail.append(s) }
    stream.subscribe(a.contramap { "x\($0)" })
    stream.subscribe(a.contramap { "y\($0)" })
    stream.publish(1)
    let before = sim.start { try await stream.subscriberCount() }
    sim.run()
    #expect(trail.all == ["x1", "y1"])
    #expect(before.value == 2)
    sim.system.stop(a)
    sim.run()
    stream.publish(2)
    let after = sim.start { try await stream.subscriberCount() }
    sim.run()
    #expect(after.value == 0)
    #expect(sim.system.counts.allDeadLetters == 0)
    sim.end()
  }

  @Test func `many publish on threads, and each one's order is kept`() async {
    let pool = Pooled(workers: 4)
    let stream = EventStream<(publisher: Int, n: Int)>(in: pool.system)
    let count = Scale.count(2000)
    let done = Countdown(2)
    let wrong = Counter()
    for _ in 0..<2 {
      let subscriber = pool.system.spawn(state: [0, 0, 0, 0]) {
        (next: inout [Int], event: consuming (publisher: Int, n: Int), _) in
        if next[event.publisher] != event.n { wrong.add() }
        next[event.publisher] += 1
        if next.allSatisfy({ $0 == count }) { done.down() }
      }
      stream.subscribe(subscriber)
    }
    await withTaskGroup(of: Void.self) { group in
      for publisher in 0..<4 {
        group.addTask { for n in 0..<count { stream.publish((publisher, n)) } }
      }
    }
    await done.wait()
    #expect(wrong.value == 0)
    await pool.end()
  }
}
