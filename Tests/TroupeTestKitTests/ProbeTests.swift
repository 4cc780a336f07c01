import Testing
import Troupe
import TroupeTestKit

@Suite struct ProbeTests {
  @Test func `a probe expects messages in virtual time`() throws {
    let simulation = Simulation(seed: 2)
    let probe = simulation.probe("p", of: Int.self)
    simulation.start("sender") {
      try await simulation.sleep(for: .seconds(2))
      probe.address.send(1)
      probe.address.send(2)
      probe.address.send(3)
    }
    #expect(throws: SimulationFailure.self) { try probe.next(within: .seconds(1)) }
    try probe.expect(1, within: .seconds(1))
    #expect(throws: SimulationFailure.self) { try probe.expect(where: { $0 > 2 }) }
    #expect(throws: SimulationFailure.self) { try probe.expectNone() }
    #expect(try probe.expect(Int.self) == 3)
    try probe.expectNone(for: .seconds(100))
    try simulation.finish()
  }

  @Test func `a probe hears of ends`() throws {
    let simulation = Simulation(seed: 2)
    let probe = simulation.probe(of: Int.self)
    let actor = simulation.system.spawn("a", state: 0) { (_, _: consuming Int, context: Context<Int>) in context.stop()
    }
    probe.watch(actor)
    #expect(throws: SimulationFailure.self) { try probe.expectTermination(of: actor) }
    actor.send(1)
    let termination = try probe.expectTermination(of: actor)
    #expect(termination.path == "sim/a")
    #expect(simulation.livingActors.isEmpty)
    try simulation.finish()
  }

  struct Door: Behavior {
    enum Message: ~Copyable { case open, close, knock(Reply<String>), repaint, drop }
    let bell: Address<String>
    var isOpen = false
    mutating func started(in context: Context<Message>) { context.watch(bell) }
    mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
      switch consume message {
      case .open:
        isOpen = true
        bell.send("ding")
        context.timers.once("close", after: .seconds(10), .close)
      case .close:
        isOpen = false
        context.stop()
      case .knock(let reply): reply.send(isOpen ? "come in" : "")
      case .repaint: context.spawn("painter", state: 0) { (_, _: consuming Int, _) in }
      case .drop: throw Oops()
      }
    }
  }

  @Test func `a behavior by itself, and what it does`() throws {
    let simulation = Simulation(seed: 0)
    let bell = simulation.probe("bell", of: String.self)
    let tester = BehaviorTester(simulation: simulation) { Door(bell: bell.address) }
    #expect(tester.effects() == [.watched("sim/bell")])
    #expect(tester.give(.open) == [.sent("String", to: "sim/bell"), .setTimer("close", after: .seconds(10))])
    #expect(try tester.ask { .knock($0) } == "come in")
    #expect(tester.give(.repaint) == [.spawned("sim/tested/painter")])
    #expect(tester.effects(after: .seconds(9)) == [])
    #expect(tester.effects(after: .seconds(1)) == [.stopped])
    try bell.expect("ding")
    try simulation.finish()

    let failing = BehaviorTester { Door(bell: bell.address) }
    _ = failing.effects()
    #expect(failing.give(.drop) == [.failed("Oops()"), .stopped])
    try failing.simulation.expectFailure()
    try failing.simulation.finish()
  }
}
