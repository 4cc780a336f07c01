import TestSupport
import Testing
import Troupe

/// Failures that go up, and restarts that go sideways.
@Suite struct EscalationTests {
  static let seeds = 0..<UInt64(24)

  /// A chain of actors below one another, with one note each; returns the lowest.
  private func chain(
    _ sim: Simulation, _ policies: [Supervision], _ notes: [Trail<String>]
  ) -> (all: [Address<Patient.Message>], lowest: Address<Patient.Message>) {
    var all = [sim.system.patient("l0", notes[0], policies[0])]
    for level in 1..<policies.count {
      let made = Trail<Address<Patient.Message>>()
      let (policy, trail) = (policies[level], notes[level])
      all[level - 1].send(.run { made.append($0.patient("l\(level)", trail, policy)) })
      sim.run()
      all.append(made.all[0])
    }
    return (all, all[all.count - 1])
  }

  @Test(arguments: seeds) func `escalation goes up to the top, and each ends with the failure`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let notes = (0..<4).map { _ in Trail<String>() }
    let (all, lowest) = chain(sim, Array(repeating: .escalate, count: 4), notes)
    let ends = all.map { actor in sim.start { await actor.termination.failure?.error } }
    lowest.send(.fail(7))
    sim.run()
    var cause = ends[0].value ?? nil
    for level in 1..<4 {
      let escalated = cause as? EscalatedFailure
      #expect(escalated?.failure.path.hasSuffix("l\(level)") == true)
      cause = escalated?.failure.error
    }
    let root = cause as? Oops
    #expect(root == Oops(7))
    #expect(sim.system.counts.failures == 4 && sim.system.counts.failed == 1)
    #expect(sim.system.counts.topLevelActors == 0)
    for trail in notes { #expect(trail.all.filter { $0.hasPrefix("st") } == ["start 1", "stop 1"]) }
    sim.end()
  }

  @Test(arguments: seeds) func `a parent that restarts ends an escalation`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let notes = (0..<3).map { _ in Trail<String>() }
    let (all, lowest) = chain(sim, [.stop, .restartNow, .escalate], notes)
    lowest.send(.fail(7))
    sim.run()
    #expect(
      notes[1].all == ["start 1", "stop 1", "start 2", "sim/l0/l1/l2 has failed"] || notes[1].all.last == "start 2")
    #expect(sim.end(of: lowest) == "failed" && sim.end(of: all[0]) == nil)
    #expect(sim.system.counts.restarts == 1)
    sim.end()
  }

  @Test(arguments: seeds) func `a suspended parent that resumes after an escalation is neither stopped nor woken`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let notes = (0..<2).map { _ in Trail<String>() }
    let (all, lowest) = chain(sim, [.resume, .escalate], notes)
    sim.system.suspend(all[0])
    sim.run()
    lowest.send(.fail(7))
    all[0].send(.number(1))
    sim.run()
    #expect(notes[0].all == ["start 1"])
    sim.system.resume(all[0])
    sim.run()
    #expect(Set(notes[0].all) == ["start 1", "sim/l0/l1 has failed", "1"])
    #expect(sim.end(of: all[0]) == nil)
    sim.end()
  }

  @Test(arguments: seeds, [0, 1, 2])
  func `an escalation that comes during the parent's restart does not restart it again`(
    seed: UInt64, which: Int
  ) {
    let policy = [Supervision.resume, .restartNow, .restart(limit: 5, backoff: .constant(.milliseconds(5)))][which]
    let sim = Simulation(seed: seed)
    let (notes, made, release) = (Trail<String>(), Trail<Address<Int>>(), Event())
    /// Its handler is under way while the parent closes its children, and throws then.
    struct Late: AsyncBehavior {
      let release: Event
      func receive(_ message: consuming Int, in context: Context<Int>) async throws {
        while !release.isSet { await Task.yield() }
        throw Oops()
      }
    }
    let parent = sim.system.patient(
      "p", notes, policy,
      onStart: { context in
        if context.incarnation == 1 {
          made.append(context.spawn("c", options: SpawnOptions(supervision: .escalate)) { Late(release: release) })
        }
      })
    sim.run()
    made.all[0].send(1)
    for _ in 0..<20 { _ = sim.scheduler.step() }
    sim.system.restart(parent)
    for _ in 0..<20 { _ = sim.scheduler.step() }
    #expect(notes.all == ["start 1"])
    release.set()
    sim.run()
    sim.advance(by: .seconds(1))
    let hooks = notes.all.filter { $0.hasPrefix("st") }
    #expect(hooks == ["start 1", "stop 1", "start 2"])
    #expect(sim.end(of: parent) == nil)
    sim.end()
  }

  /// Three children; the second fails. Who of them is in which incarnation?
  private func siblings(_ seed: UInt64, _ strategy: ChildStrategy, _ policy: Supervision) -> [String] {
    let sim = Simulation(seed: seed)
    let (notes, made) = ((0..<3).map { _ in Trail<String>() }, Trail<Address<Patient.Message>>())
    let parent = sim.system.patient(
      "p", Trail(), options: SpawnOptions(childStrategy: strategy),
      onStart: { context in
        for (i, trail) in notes.enumerated() { made.append(context.patient("c\(i)", trail, policy)) }
      })
    sim.run()
    for child in made.all { child.send(.number(1)) }
    made.all[1].send(.fail(5))
    for child in made.all { child.send(.number(2)) }
    sim.run()
    sim.advance(by: .seconds(1))
    // Nothing is lost, and each goes on in order.
    for (i, trail) in notes.enumerated() {
      #expect(trail.all.filter { Int($0) != nil } == (sim.end(of: made.all[i]) == nil ? ["1", "2"] : ["1"]))
    }
    #expect(sim.end(of: parent) == nil)
    let last = notes.map { trail in trail.all.last { $0.hasPrefix("st") } ?? "" }
    sim.end()
    return last
  }

  @Test(arguments: seeds) func `one for one, all for one, rest for one`(seed: UInt64) {
    #expect(siblings(seed, .oneForOne, .restartNow) == ["start 1", "start 2", "start 1"])
    #expect(siblings(seed, .allForOne, .restartNow) == ["start 2", "start 2", "start 2"])
    #expect(siblings(seed, .restForOne, .restartNow) == ["start 1", "start 2", "start 2"])
    // Its supervision ends one: it takes nobody along.
    #expect(siblings(seed, .allForOne, .stop) == ["start 1", "stop 1", "start 1"])
    #expect(siblings(seed, .allForOne, .resume) == ["start 1", "start 1", "start 1"])
  }

  @Test(arguments: seeds) func `M19 every failure is logged and counted, whoever supervises`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    var random = Random(seed: seed)
    let policies: [Supervision] = [.stop, .resume, .restartNow, .escalate, .restart(limit: 2)]
    let actors = (0..<8).map { i in
      sim.system.patient("a\(i)", Trail(), policies[i % policies.count], isAsync: i % 2 == 0)
    }
    var sent = 0
    for _ in 0..<200 {
      if random.chance(1, in: 3) { _ = sim.scheduler.step() }
      if random.chance(1, in: 30) { sim.advance(by: .milliseconds(50)) }
      actors[random.below(actors.count)].send(random.chance(1, in: 4) ? .fail(1) : .number(1))
      sent += 1
    }
    sim.advance(by: .seconds(60))
    let counts = sim.system.counts
    #expect(counts.failures > 0)
    // Nothing here throws but handlers.
    #expect(counts.failures == counts.failed)
    #expect(sim.log.all.filter { $0.contains("actor failed") }.count == counts.failures)
    #expect(sim.log.all.filter { $0.contains("actor restarts") }.count == counts.restarts)
    #expect(counts.settledMessages == sent)
    sim.end()
  }
}
