import TestSupport
import Testing
import Troupe

@Suite struct ReceiveTimeoutTests {
  static let seeds = 0..<UInt64(16)
  static func every(_ milliseconds: Int?) -> Patient.Message {
    .run { $0.setReceiveTimeout(milliseconds.map { .milliseconds($0) }) }
  }

  private func timeouts(_ notes: Trail<String>) -> Int { notes.all.filter { $0 == "timeout" }.count }

  @Test(arguments: seeds, [false, true]) func `comes when no message has come for so long, again and again`(
    seed: UInt64, isAsync: Bool
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, isAsync: isAsync)
    actor.send(Self.every(100))
    sim.run()
    sim.advance(by: .milliseconds(99))
    #expect(timeouts(notes) == 0)
    actor.send(.number(1))
    sim.run()
    sim.advance(by: .milliseconds(99))
    #expect(timeouts(notes) == 0)
    sim.advance(by: .milliseconds(1))
    #expect(timeouts(notes) == 1)
    sim.advance(by: .milliseconds(200))
    #expect(timeouts(notes) == 3)
    actor.send(Self.every(nil))
    sim.run()
    sim.advance(by: .seconds(10))
    #expect(timeouts(notes) == 3)
    sim.end()
  }

  /// A turn ends after so many messages: the end of the last one counts also when the turn ends with it.
  @Test(arguments: [1, 255, 256, 257, 511, 512], [false, true])
  func `counts from the last message of a full turn`(count: Int, isAsync: Bool) {
    let sim = Simulation(seed: 1)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, isAsync: isAsync)
    actor.send(Self.every(100))
    sim.run()
    sim.advance(by: .milliseconds(60))
    for i in 0..<count { actor.send(.number(i)) }
    sim.run()
    sim.advance(by: .milliseconds(99))
    #expect(timeouts(notes) == 0)
    sim.advance(by: .milliseconds(1))
    #expect(timeouts(notes) == 1)
    sim.end()
  }

  @Test func `one that always has something to do is not told that nothing came`() {
    let sim = Simulation(seed: 2)
    let (scheduler, rounds, wrong) = (sim.scheduler, Counter(), Counter())
    struct Busy: Behavior {
      let (rounds, wrong): (Counter, Counter)
      mutating func receive(_ message: consuming Int, in context: Context<Int>) {
        if rounds.value == 0 { context.setReceiveTimeout(.milliseconds(10)) }
        rounds.add()
        if message > 0 { context.address.send(message - 1) }
      }
      func signal(_ signal: Signal, in context: Context<Int>) { if rounds.value < 10_000 { wrong.add() } }
    }
    let actor = sim.system.spawn { Busy(rounds: rounds, wrong: wrong) }
    actor.send(10_000)
    // A turn, some time, a turn: it is never idle in between.
    while rounds.value < 10_000 {
      _ = scheduler.step()
      scheduler.pass(.milliseconds(3))
    }
    #expect(wrong.value == 0)
    sim.end()
  }

  @Test(arguments: seeds) func `signals do not count, timers' messages do`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes)
    let others = (0..<5).map { sim.system.patient("o\($0)") }
    actor.send(.run { context in for other in others { context.watch(other) } })
    actor.send(Self.every(100))
    sim.run()
    for other in others {
      sim.advance(by: .milliseconds(15))
      sim.system.stop(other)
      sim.run()
    }
    #expect(timeouts(notes) == 0)
    sim.advance(by: .milliseconds(25))
    #expect(timeouts(notes) == 1, "the notices have moved it")
    actor.send(.run { $0.timers.fixedRate("t", every: .milliseconds(50)) { .number(1) } })
    sim.run()
    sim.advance(by: .seconds(1))
    #expect(timeouts(notes) == 1)
    sim.end()
  }

  @Test(arguments: seeds) func `one that is suspended hears of it afterwards, and it ends with the incarnation`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, .restartNow)
    actor.send(Self.every(100))
    sim.run()
    sim.system.suspend(actor)
    sim.advance(by: .seconds(10))
    #expect(timeouts(notes) == 0)
    sim.system.resume(actor)
    sim.run()
    #expect(timeouts(notes) == 1)
    actor.send(.fail(1))
    sim.run()
    sim.advance(by: .seconds(10))
    #expect(timeouts(notes) == 1)
    sim.end()
  }
}
