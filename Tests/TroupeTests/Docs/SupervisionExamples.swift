import TestSupport
import Testing
import Troupe

/// The code of `Docs/Supervision.md`.
@Suite struct SupervisionExamples {
  @Test func `the code of the page is the code of this file`() throws {
    try DocPage("Supervision.md").expectCode(atLeast: 4)
  }

  struct Malformed: Error {}
  struct Unreachable: Error {}

  /// Fails with what it is sent.
  struct Feed: Behavior {
    mutating func receive(_ message: consuming any Error & Sendable, in context: Context<any Error & Sendable>) throws {
      throw message
    }
  }

  @Test func `restarts up to a limit`() {
    let sim = Simulation(seed: 1)
    let system = sim.system
    let options = SpawnOptions(supervision: .restart(limit: 3, within: .seconds(10), then: .escalate))
    let feed = system.spawn("feed", options: options) { Feed() }
    for _ in 0..<4 { feed.send(Malformed()) }
    sim.advance(by: .seconds(5))
    #expect(sim.end(of: feed) == "failed")
    #expect(system.counts.restarts == 3 && system.counts.failed == 4)
    sim.end()
  }

  @Test func `a policy of one's own`() {
    let policy = Supervision { failure, history in
      switch failure.error {
      case is Malformed: .resume  // the message was at fault, not the state
      case is Unreachable where history.restarts < 100: .restart(after: .milliseconds(10))
      default: .stop
      }
    }
    let sim = Simulation(seed: 2)
    let feed = sim.system.spawn("feed", options: SpawnOptions(supervision: policy)) { Feed() }
    feed.send(Malformed())
    feed.send(Unreachable())
    sim.advance(by: .seconds(1))
    #expect(sim.system.counts.restarts == 1)
    feed.send(Oops())
    #expect(sim.end(of: feed) == "failed")
    sim.end()
  }

  struct Archive: Behavior {
    enum Message: ~Copyable { case keep(Int) }
    let kept: Trail<Int>
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .keep(let total): kept.append(total)
      }
    }
  }

  struct Meter: Behavior {
    enum Message: ~Copyable { case add(Int), total(Reply<Int>), fail }
    let archive: Address<Archive.Message>
    var total = 0

    mutating func started(in context: Context<Message>) throws {
      context.log("incarnation \(context.incarnation)")
    }
    mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
      switch consume message {
      case .add(let amount):
        total += amount
        archive.send(.keep(total))
      case .total(let reply): reply.send(total)
      case .fail: throw Unreachable()
      }
    }
  }

  @Test func `a restart loses the state, and keeps the mailbox`() {
    let sim = Simulation(seed: 3)
    let kept = Trail<Int>()
    let archive = sim.system.spawn { Archive(kept: kept) }
    let meter = sim.system.spawn("meter", options: SpawnOptions(supervision: .restart())) { Meter(archive: archive) }
    meter.send(.add(5))
    meter.send(.fail)
    meter.send(.add(2))
    let total = sim.start { try await meter.ask { .total($0) } as Int }
    sim.advance(by: .seconds(1))
    #expect(total.value == 2)
    #expect(kept.all == [5, 2])
    #expect(sim.log.all.filter { $0.contains("meter: incarnation") } == (1...2).map { "sim/meter: incarnation \($0)" })
    sim.end()
  }

  /// Starts three children; a number makes the one with it fail.
  struct Pipeline: Behavior {
    var stages: [Address<any Error & Sendable>] = []
    mutating func started(in context: Context<Int>) {
      let options = SpawnOptions(supervision: .restart(backoff: .none))
      stages = (0..<3).map { context.spawn("stage-\($0)", options: options) { Feed() } }
    }
    mutating func receive(_ stage: consuming Int, in context: Context<Int>) { stages[stage].send(Oops()) }
  }

  @Test(arguments: [(0, 3), (1, 2), (2, 1)]) func `one takes along those that came after it`(stage: Int, restarts: Int)
  {
    let sim = Simulation(seed: 4)
    let system = sim.system
    let pipeline = system.spawn("pipeline", options: SpawnOptions(childStrategy: .restForOne)) { Pipeline() }
    sim.run()
    pipeline.send(stage)
    sim.advance(by: .seconds(1))
    #expect(system.counts.restarts == restarts)
    sim.end()
  }
}
