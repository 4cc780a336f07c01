import TestSupport
import Testing
import Troupe

/// What a restart keeps, and what it takes away.
@Suite struct RestartTests {
  static let seeds = 0..<UInt64(24)

  @Test(arguments: seeds, [false, true]) func `M16 the stash comes first, in order, then what was queued`(
    seed: UInt64, isAsync: Bool
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, .restartNow, isAsync: isAsync)
    for message: Patient.Message in [.stash(1), .stash(2), .number(3), .stash(4), .fail(5), .number(6)] {
      actor.send(message)
    }
    sim.run()
    #expect(notes.all == ["start 1", "3", "fail 5", "stop 1", "start 2", "1", "2", "4", "6"])
    sim.system.stop(actor)
    sim.run()
    let counts = sim.system.counts
    #expect(counts.handled == 5 && counts.failed == 1 && counts.allDeadLetters == 0)
    sim.end()
  }

  @Test(arguments: seeds, [false, true]) func `M8 the old stop hook has ended before the new start hook begins`(
    seed: UInt64, isAsync: Bool
  ) {
    var random = Random(seed: seed)
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let policy = Supervision { _, history in .restart(after: history.random < 0.5 ? .zero : .milliseconds(3)) }
    let actor = sim.system.patient("a", notes, policy, isAsync: isAsync)
    for i in 0..<200 {
      switch random.below(6) {
      case 0: actor.send(.fail(i))
      case 1: sim.system.restart(actor)
      case 2: sim.advance(by: .milliseconds(1))
      default:
        actor.send(.number(i))
        _ = sim.scheduler.step()
      }
    }
    sim.advance(by: .seconds(1))
    sim.system.stop(actor)
    sim.run()
    let hooks = notes.all.filter { $0.hasPrefix("st") }
    let expected = (1...hooks.count / 2).flatMap { ["start \($0)", "stop \($0)"] }
    #expect(hooks == expected)
    #expect(hooks.count > 10)
    // Nothing is handled between the two.
    var isUp = false
    for note in notes.all {
      if note.hasPrefix("start") { isUp = true } else { #expect(isUp, "\(note)") }
      if note.hasPrefix("stop") { isUp = false }
    }
    sim.end()
  }

  @Test(arguments: seeds) func `address and watchers stay, and nobody is told`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let (notes, told) = (Trail<String>(), Trail<String>())
    let actor = sim.system.patient("a", notes, .restartNow)
    let watcher = sim.system.patient("w", told)
    watcher.send(.run { $0.watch(actor) })
    let end = sim.start { await actor.termination.kind }
    sim.run()
    for i in 0..<5 { actor.send(.fail(i)) }
    sim.run()
    #expect(notes.all.last == "start 6" && told.all == ["start 1"] && end.value == nil)
    sim.system.stop(actor)
    sim.run()
    #expect(told.all == ["start 1", "sim/a stopped"] && end.value == "stopped")
    sim.end()
  }

  @Test(arguments: seeds) func `M11 timers of the old incarnation are gone, also those that have fired`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, .restartNow)
    actor.send(
      .run { context in
        context.timers.once("once", after: .milliseconds(1), .number(1))
        context.timers.fixedRate("rate", every: .milliseconds(1)) { .number(2) }
        context.timers.fixedDelay("delay", every: .milliseconds(1)) { .number(3) }
        context.setReceiveTimeout(.milliseconds(1))
      })
    sim.run()
    // They fire, and lie in the mailbox behind the failure.
    sim.system.suspend(actor)
    actor.send(.fail(4))
    if seed % 2 == 0 { sim.advance(by: .milliseconds(5)) }
    sim.system.resume(actor)
    sim.run()
    sim.advance(by: .seconds(1))
    #expect(notes.all == ["start 1", "fail 4", "stop 1", "start 2"])
    sim.end()
  }

  @Test(arguments: seeds, [false, true]) func `children stop before the incarnation, unless they are kept`(
    seed: UInt64, keepsChildren: Bool
  ) {
    let sim = Simulation(seed: seed)
    let (notes, child) = (Trail<String>(), Trail<String>())
    let actor = sim.system.patient(
      "a", notes, .restartNow, options: SpawnOptions(keepsChildren: keepsChildren),
      onStart: { context in if context.incarnation == 1 { _ = context.patient("c", child) } },
      onStop: { context in if !keepsChildren { #expect(child.all.last != "start 1") } })
    if seed % 2 == 0 { sim.run() }
    actor.send(.fail(1))
    sim.run()
    #expect(notes.all == ["start 1", "fail 1", "stop 1", "start 2"])
    #expect(child.all == (keepsChildren ? ["start 1"] : child.all.isEmpty ? [] : ["start 1", "stop 1"]))
    if seed % 2 == 0 { #expect(!child.all.isEmpty) }
    sim.end()
    #expect(child.all.isEmpty || child.all == ["start 1", "stop 1"])
  }

  @Test(arguments: seeds) func `M6 a stop that comes with the failure ends the kept children first`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient(
      "a", notes, .restartNow, options: SpawnOptions(keepsChildren: true),
      onStart: { context in _ = context.patient("c", notes) })
    sim.run()
    actor.send(
      .run { context in
        context.stop()
        throw Oops()
      })
    #expect(sim.end(of: actor) == "stopped")
    #expect(notes.all == ["start 1", "start 1", "stop 1", "stop 1"])
    // The child has gone, and its name with it, before its parent said good-bye.
    #expect(sim.system.counts.topLevelActors == 0)
    sim.end()
  }

  @Test(arguments: seeds) func `M6 with a kept child at work, the parent's stop hook waits for it`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let order = Trail<String>()
    let actor = sim.system.patient(
      "a", Trail(), .restartNow, options: SpawnOptions(keepsChildren: true),
      onStart: { context in _ = context.patient("c", Trail(), isAsync: true, onStop: { _ in order.append("child") }) },
      onStop: { _ in order.append("parent") })
    sim.run()
    actor.send(
      .run { context in
        context.stop()
        throw Oops()
      })
    #expect(sim.end(of: actor) == "stopped")
    #expect(order.all == ["child", "parent"])
    sim.end()
  }

  @Test(arguments: seeds) func `a child spawned in the stop hook of a restart does not outlive it`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let (notes, late) = (Trail<String>(), Trail<String>())
    let actor = sim.system.patient(
      "a", notes, .restartNow, onStop: { context in _ = context.patient(nil, late) })
    actor.send(.fail(1))
    sim.run()
    #expect(notes.all == ["start 1", "fail 1", "stop 1", "start 2"])
    #expect(late.all.isEmpty)
    sim.end()
  }

  @Test(arguments: seeds) func `M17 a factory that throws on a restart is tried again, and nothing queued is lost`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let (notes, made) = (Trail<String>(), Counter())
    let actor = sim.system.spawn(
      "a", options: SpawnOptions(supervision: .restart(limit: 4, backoff: .constant(.milliseconds(10))))
    ) { () throws -> Patient in
      made.add()
      if (2...4).contains(made.value) { throw Oops(made.value) }
      return Patient(notes)
    }
    for message: Patient.Message in [.number(1), .fail(2), .number(3)] { actor.send(message) }
    sim.advance(by: .seconds(1))
    #expect(notes.all == ["start 1", "1", "fail 2", "stop 1", "start 5", "3"])
    #expect(sim.system.counts.failures == 4 && sim.system.counts.restarts == 4)
    sim.end()
  }

  @Test(arguments: seeds) func `M17 a start that throws gives its children back and is tried again`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let (notes, child) = (Trail<String>(), Trail<String>())
    let actor = sim.system.patient(
      "a", notes, .restart(limit: 2, backoff: .none),
      onStart: { context in
        _ = context.patient("c", child)
        throw Oops(context.incarnation)
      })
    let told = Trail<String>()
    sim.system.patient("w", told).send(.run { $0.watch(actor) })
    #expect(sim.end(of: actor) == "failed")
    #expect(notes.all == ["start 1", "stop 1", "start 2", "stop 2", "start 3", "stop 3"])
    #expect(child.all.filter { $0 == "start 1" }.count == child.all.filter { $0 == "stop 1" }.count)
    #expect(told.all == ["start 1", "sim/a failed"])
    sim.end()
  }

  @Test func `after a failure to start there is nothing to resume`() {
    let sim = Simulation(seed: 1)
    let actor = sim.system.patient("a", Trail(), .resume, onStart: { _ in throw Oops() })
    #expect(sim.end(of: actor) == "failed")
    sim.end()
  }

  @Test func `one that was spawned by value stops, and a request to restart it does nothing`() {
    let sim = Simulation(seed: 2)
    let notes = Trail<String>()
    let actor = sim.system.spawn("a", options: SpawnOptions(supervision: .restartNow), behavior: Patient(notes))
    sim.system.restart(actor)
    actor.send(.number(1))
    sim.run()
    #expect(notes.all == ["start 1", "1"])
    actor.send(.fail(2))
    #expect(sim.end(of: actor) == "failed")
    #expect(notes.all == ["start 1", "1", "fail 2", "stop 1"])
    sim.end()
  }
}
