import TestSupport
import Testing
import Troupe

/// The code of `Docs/Observing.md`, which is compiled and run here.
@Suite(.spins) struct ObservingExamples {
  struct Records: Sendable {
    let trail = Trail<String>()
    func record(_ what: String, _ more: String? = nil) { trail.append(what) }
  }

  @Test func `an observer`() async {
    let (failures, losses) = (Records(), Records())
    var options = ActorSystem.Options()
    options.observer = { event in
      switch event {
      case .failed(let actor, let failure): failures.record(actor.description, failure.messageType)
      case .deadLetter(let letter) where letter.reason != .queuedAtEnd: losses.record(letter.recipient)
      default: break
      }
    }
    let system = ActorSystem("shop", options: options)
    let actor = system.spawn("till", options: SpawnOptions(supervision: .stop), state: 0) { (_, n: consuming Int, _) in
      throw Oops()
    }
    actor.send(1)
    _ = await actor.termination
    actor.send(2)
    #expect(failures.trail.all == ["shop/till"])
    #expect(losses.trail.all == ["shop/till"])
    await system.shutdown()
  }

  @Test func `a snapshot`() async {
    let system = ActorSystem("shop", options: ActorSystem.Options(measuresTime: true))
    let idle = system.spawn("idle", state: 0) { (_, n: consuming Int, _) in }
    idle.send(1)
    #expect(await settled { idle.snapshot?.handled == 1 })
    let snapshot = system.snapshot()
    print(snapshot.counts.handled, snapshot.counts.restarts, snapshot.counts.deadLetters)
    for actor in snapshot.actors where actor.depth > 1000 {
      print(actor.path, actor.state, actor.depth, actor.handled, actor.failed)
    }
    #expect(snapshot.actors.map(\.path) == ["shop/idle"])
    await system.shutdown()
  }

  @Test func `the code of the page is the code of this file`() throws {
    try DocPage("Observing.md").expectCode(atLeast: 3)
  }
}
