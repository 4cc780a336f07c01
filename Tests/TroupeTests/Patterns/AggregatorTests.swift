import TestSupport
import Testing
import Troupe

@Suite(.spins) struct AggregatorTests {
  private func receiver<Value: Sendable>(_ sim: Simulation, _ trail: Trail<Value>) -> Address<Value> {
    sim.system.spawn(state: trail) { (trail, value: consuming Value, _) in trail.append(value) }
  }

  @Test(arguments: 0..<UInt64(16)) func `it is complete with the last value, and later ones are dead letters`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let results = Trail<Aggregation<Int>>()
    let sum = Aggregator<Int>(in: sim.system, expecting: 3, within: .seconds(1), to: receiver(sim, results))
    for n in 1...3 { sum.address.send(n) }
    sim.run()
    sum.address.send(4)
    sim.advance(by: .seconds(2))
    #expect(results.all.map(\.values) == [[1, 2, 3]])
    #expect(results.all.map(\.isComplete) == [true])
    #expect(sim.system.counts.deadLetters == [.ended: 1])
    sim.end()
  }

  @Test(arguments: 0..<UInt64(16)) func `at the deadline, and when it is stopped, it sends what it has`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let results = Trail<Aggregation<Int>>()
    let receiver = receiver(sim, results)
    let late = Aggregator<Int>(in: sim.system, expecting: 3, within: .seconds(1), to: receiver)
    late.address.send(1)
    sim.advance(by: .seconds(2))
    #expect(results.all.map(\.values) == [[1]])
    #expect(results.all.map(\.isComplete) == [false])
    let stopped = Aggregator<Int>(in: sim.system, expecting: 3, within: nil, to: receiver)
    stopped.address.send(7)
    sim.run()
    sim.system.stop(stopped.address)
    _ = Aggregator<Int>(in: sim.system, expecting: 0, within: nil, to: receiver)
    sim.run()
    #expect(Set(results.all.map(\.values)) == [[1], [7], []])
    sim.end()
  }

  @Test(arguments: 0..<UInt64(32)) func `asking all gives every answer or why there is none, in order`(seed: UInt64) {
    let sim = Simulation(seed: seed, supervision: .resume)
    let results = Trail<[String]>()
    let receiver = receiver(sim, results)
    let well = sim.system.spawn { Oracle() }
    let gone = sim.system.spawn { Oracle() }
    let slow = sim.system.spawn { Oracle() }
    sim.run()
    sim.system.stop(gone)
    sim.system.suspend(slow)
    sim.run()
    sim.system.askAll(
      [well, gone, slow, well], timeout: .seconds(2),
      to: receiver.contramap { (answers: [Result<Int, AskError>]) in
        answers.map { answer in
          switch answer {
          case .success(let n): "\(n)"
          case .failure(let error): error.kind
          }
        }
      }
    ) { .double(4, $0) }
    sim.system.askAll([], to: receiver.contramap { (all: [Result<Int, AskError>]) in all.map { _ in "" } }) {
      (reply) -> Oracle.Message in .double(1, reply)
    }
    sim.run()
    #expect(results.all == [[]])
    sim.advance(by: .seconds(3))
    #expect(results.all == [[], ["8", "ended", "timedOut", "8"]])
    sim.end()
  }

  @Test func `many aggregators on threads`() async {
    let pool = Pooled(workers: 4)
    let count = Scale.count(300)
    let done = Countdown(count)
    let wrong = Counter()
    let receiver = pool.system.spawn(state: 0) { (_, result: consuming Aggregation<Int>, _) in
      if !result.isComplete || result.values.reduce(0, +) != 10 { wrong.add() }
      done.down()
    }
    for _ in 0..<count {
      let sum = Aggregator<Int>(in: pool.system, expecting: 4, within: nil, to: receiver)
      await withTaskGroup(of: Void.self) { group in
        for n in 1...4 { group.addTask { sum.address.send(n) } }
      }
    }
    await done.wait()
    #expect(wrong.value == 0)
    await pool.end()
    #expect(pool.system.counts.allDeadLetters == 0)
  }
}
