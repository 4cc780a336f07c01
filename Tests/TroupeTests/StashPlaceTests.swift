import TestSupport
import Testing

@testable import Troupe

/// Where unstashed messages stand among what waits beside the queue for its place.
@Suite struct StashPlaceTests {
  @Test func `unstashed messages come before the queue, and what waits for its place there does not keep them`() {
    let sim = Simulation(seed: 1)
    let notes = Trail<String>()
    let ended = sim.system.patient("b")
    sim.system.stop(ended)
    let actor = sim.system.patient("a", notes)
    actor.send(.stash(1))
    actor.send(
      .run { context in
        // The notice takes its place behind the numbers that are queued.
        context.watch(ended)
        context.unstashAll()
      })
    for n in 2...3 { actor.send(.number(n)) }
    sim.run()
    #expect(notes.all == ["start 1", "1", "2", "3", "sim/b stopped"])
    sim.end()
  }

  @Test
  func
    `unstashed messages are due whatever the next place is, also where a bounded queue has gone half round`()
  {
    let sim = Simulation(seed: 2)
    let due = Trail<Bool>()
    let actor = sim.system.patient("a", options: SpawnOptions(mailbox: .bounded(4)))
    for head in [0, 1 << 37, (1 << 37) + 5, (1 << 38) - 1] as [UInt] {
      actor.send(.stash(1))
      actor.send(
        .run { context in
          context.unstashAll()
          due.append(context.cell.nextEnvelope(at: head) != nil)
        })
      sim.run()
    }
    #expect(due.all == [true, true, true, true])
    sim.end()
  }
}
