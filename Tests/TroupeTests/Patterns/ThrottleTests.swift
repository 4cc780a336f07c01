import TestSupport
import Testing
import Troupe

@Suite(.spins) struct ThrottleTests {
  private func sink(_ sim: Simulation, _ seen: Trail<(id: Int, at: Duration)>) -> Address<Int> {
    sim.system.spawn(state: seen) { (seen, id: consuming Int, context) in seen.append((id, context.now)) }
  }

  @Test(arguments: 0..<UInt64(32)) func `a burst passes at once, the rest at the rate, in order`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Trail<(id: Int, at: Duration)>()
    let throttle = Throttle(in: sim.system, to: sink(sim, seen), rate: 10, per: .seconds(1), burst: 3)
    for id in 0..<20 { throttle.address.send(id) }
    sim.run()
    #expect(seen.all.map(\.id) == [0, 1, 2])
    let start = seen.all[0].at
    sim.advance(by: .milliseconds(350))
    #expect(seen.count == 6)
    sim.advance(by: .seconds(10))
    #expect(seen.all.map(\.id) == Array(0..<20))
    for (id, at) in seen.all { #expect(at - start >= .milliseconds(100) * max(0, id - 2)) }
    // After a pause there is a burst again.
    for id in 20..<25 { throttle.address.send(id) }
    sim.run()
    #expect(seen.count == 23)
    sim.advance(by: .seconds(1))
    #expect(seen.count == 25)
    sim.end()
    #expect(sim.system.counts.allDeadLetters == 0)
  }

  @Test(arguments: 0..<UInt64(64)) func `never more than the bucket allows, and nothing is lost`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    var random = Random(seed: seed)
    let seen = Trail<(id: Int, at: Duration)>()
    let throttle = Throttle(
      in: sim.system, to: sink(sim, seen), rate: 5, per: .seconds(1), burst: 1 + random.below(4),
      options: SpawnOptions(mailbox: .bounded(6)))
    let sent = Counter()
    for id in 0..<100 {
      throttle.address.send(id)
      sent.add()
      if random.chance(1, in: 3) { sim.advance(by: .milliseconds(random.below(1500))) }
    }
    sim.advance(by: .seconds(100))
    let times = seen.all.map(\.at)
    for (i, start) in times.enumerated() {
      let inWindow = times[i...].count { $0 - start < .seconds(1) }
      #expect(inWindow <= 5 + 4)
    }
    #expect(seen.count + sim.system.counts.allDeadLetters == sent.value)
    #expect(seen.all.map(\.id) == seen.all.map(\.id).sorted())
    sim.end()
  }

  @Test(arguments: 0..<UInt64(16)) func `producers wait for room, and it ends with its target`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let seen = Trail<(id: Int, at: Duration)>()
    let target = sink(sim, seen)
    let throttle = Throttle(
      in: sim.system, to: target, rate: 1, per: .seconds(1), options: SpawnOptions(mailbox: .bounded(1)))
    let producer = sim.start {
      var sent = 0
      for id in 0..<10 {
        guard case .sent = await throttle.address.deliver(id) else { return sent }
        sent += 1
      }
      return sent
    }
    sim.run()
    #expect(!producer.isOver)
    sim.advance(by: .seconds(4))
    #expect(!producer.isOver)
    sim.system.stop(target)
    let end = sim.start { await throttle.address.termination.kind }
    sim.advance(by: .seconds(2))
    #expect(end.value == "stopped")
    let sent = producer.value ?? 0
    #expect(sent < 10)
    #expect(seen.count + sim.system.counts.allDeadLetters == sent)
    sim.end()
  }

  @Test func `on threads the rate is not exceeded`() async {
    let pool = Pooled(workers: 2)
    let times = Trail<Duration>()
    let done = Countdown(60)
    let target = pool.system.spawn(state: times) { (times, _: consuming Int, context) in
      times.append(context.now)
      done.down()
    }
    let throttle = Throttle(in: pool.system, to: target, rate: 1000, per: .seconds(1), burst: 20)
    for id in 0..<60 { throttle.address.send(id) }
    await done.wait()
    // 20 at once, and 40 more at 1 ms each; the clock is a kernel's tick coarse.
    #expect(times.all.last! - times.all.first! >= .milliseconds(40 - 11))
    await pool.end()
  }
}
