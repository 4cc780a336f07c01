import CTroupeShims
import TestSupport
import Testing
import Troupe

/// `stop(.drain)`.
@Suite(.spins) struct DrainTests {
  static let seeds = 0..<UInt64(24)

  @Test(arguments: seeds, [false, true]) func `everything queued is handled, and nothing new is taken`(
    seed: UInt64, isAsync: Bool
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let capacity = [0, 500][Int(seed % 2)]
    let actor = sim.system.patient(
      "a", notes, isAsync: isAsync, options: SpawnOptions(mailbox: capacity == 0 ? .unbounded : .bounded(capacity)))
    if seed % 3 == 0 { sim.run() }
    for i in 0..<300 { actor.send(.number(i)) }
    sim.system.stop(actor, .drain)
    // The first turn begins to drain.
    for _ in 0..<4 { _ = sim.scheduler.step() }
    if notes.count > 0 {
      if case .closed = actor.trySend(.number(-1)) {} else { Issue.record("accepted while it drains") }
      actor.send(.number(-2))
    }
    let isRefused = notes.count > 0
    #expect(sim.end(of: actor) == "stopped")
    #expect(notes.all == ["start 1"] + (0..<300).map { "\($0)" } + ["stop 1"])
    #expect(sim.system.counts.deadLetters == (isRefused ? [.ended: 1] : [:]))
    sim.end()
  }

  @Test(arguments: seeds) func `those who wait for room get their message back, and those who have it are handled`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, options: SpawnOptions(mailbox: .bounded(2)))
    sim.run()
    sim.system.suspend(actor)
    sim.run()
    let senders = (0..<6).map { i in
      sim.start { () -> Bool in
        switch await actor.deliver(.number(i)) {
        case .sent: return true
        case .closed(.number(let back)): return back == i ? false : true
        default: return true
        }
      }
    }
    for _ in 0..<Int(seed) { _ = sim.scheduler.step() }
    if seed % 2 == 0 { sim.system.resume(actor) }
    sim.system.stop(actor, .drain)
    sim.system.resume(actor)
    #expect(sim.end(of: actor) == "stopped")
    let sent = senders.filter { $0.value == true }.count
    #expect(senders.allSatisfy { $0.isOver })
    #expect(notes.all.filter { Int($0) != nil }.count == sent)
    #expect(sim.system.counts.settledMessages == sent && sim.system.counts.allDeadLetters == 0)
    sim.end()
  }

  @Test(arguments: seeds) func `envelopes that have come are handled, later ones become dead letters`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let others = (0..<2).map { sim.system.patient("o\($0)") }
    let actor = sim.system.patient("a", notes)
    actor.send(
      .run { context in
        context.timers.once("t", after: .milliseconds(1), .number(1))
        context.timers.once("late", after: .seconds(1), .number(2))
        context.watch(others[0], with: { _ in .number(3) })
        context.watch(others[1], with: { _ in .number(4) })
        context.pipe({ 5 }, as: { WorkTests.number($0) })
      })
    sim.run()
    sim.system.suspend(actor)
    sim.run()
    sim.advance(by: .milliseconds(1))
    sim.system.stop(others[0])
    sim.run()
    actor.send(.number(6))
    sim.system.stop(actor, .drain)
    sim.run()
    #expect(notes.all == ["start 1", "5"])
    sim.system.resume(actor)
    #expect(sim.end(of: actor) == "stopped")
    #expect(notes.all == ["start 1", "5", "1", "3", "6", "stop 1"])
    sim.system.stop(others[1])
    sim.advance(by: .seconds(5))
    #expect(notes.count == 6)
    sim.end()
  }

  @Test(arguments: seeds, [false, true]) func `a failure while it drains restarts it, and it goes on draining`(
    seed: UInt64, isAsync: Bool
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let policy = Supervision { _, _ in .restart(after: .milliseconds(10)) }
    let actor = sim.system.patient("a", notes, policy, isAsync: isAsync)
    for message: Patient.Message in [.stash(1), .number(2), .fail(3), .number(4)] { actor.send(message) }
    sim.system.stop(actor, .drain)
    sim.run()
    if case .closed = actor.trySend(.number(5)) {} else { Issue.record("accepted during the backoff") }
    sim.advance(by: .milliseconds(10))
    #expect(sim.end(of: actor) == "stopped")
    #expect(notes.all == ["start 1", "2", "fail 3", "stop 1", "start 2", "1", "4", "stop 2"])
    #expect(sim.system.counts.settledMessages == 4 && sim.system.counts.allDeadLetters == 0)
    sim.end()
  }

  @Test(arguments: seeds, [false, true]) func `drain, then stop: the rest becomes dead letters, and all is counted`(
    seed: UInt64, isAsync: Bool
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, isAsync: isAsync)
    for i in 0..<2000 { actor.send(.number(i)) }
    sim.system.stop(actor, .drain)
    for _ in 0..<Int(seed % 8) { _ = sim.scheduler.step() }
    sim.system.stop(actor)
    sim.system.stop(actor, .drain)
    #expect(sim.end(of: actor) == "stopped")
    let handled = notes.all.filter { Int($0) != nil }.count
    #expect(handled < 2000)
    #expect(sim.system.counts.handled == handled)
    #expect(sim.system.counts.deadLetters == [.queuedAtEnd: 2000 - handled])
    sim.end()
  }

  @Test(arguments: seeds) func `an actor drains itself or a child, and idle ones end at once`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let (notes, child) = (Trail<String>(), Trail<String>())
    let actor = sim.system.patient("a", notes)
    actor.send(
      .run { context in
        let one = context.patient("c", child)
        for i in 0..<3 { one.send(.number(i)) }
        context.watch(one)
        context.stop(one, .drain)
      })
    sim.run()
    #expect(child.all == ["start 1", "0", "1", "2", "stop 1"])
    #expect(notes.all == ["start 1", "sim/a/c stopped"])
    actor.send(.run { $0.stop(.drain) })
    actor.send(.number(7))
    #expect(sim.end(of: actor) == "stopped")
    #expect(notes.all == ["start 1", "sim/a/c stopped", "7", "stop 1"])
    sim.end()
  }

  @Test(arguments: [0, 1, 16], [false, true]) func `M1 on threads: what was accepted is handled, all of it`(
    capacity: Int, isAsync: Bool
  ) async {
    for _ in 0..<Scale.count(20) {
      let pool = Pooled(workers: 2)
      let system = pool.system
      let (notes, accepted) = (Trail<String>(), Counter())
      let actor = system.patient(
        "a", notes, isAsync: isAsync, options: SpawnOptions(mailbox: capacity == 0 ? .unbounded : .bounded(capacity)))
      let threads = (0..<2).map { _ in
        TestThread {
          // Sooner or later it refuses; until then not so far ahead that the end would take long.
          while true {
            if accepted.value > notes.count + 200 {
              troupe_thread_yield()
              continue
            }
            switch actor.trySend(.number(1)) {
            case .sent: accepted.add()
            case .full: troupe_thread_yield()
            case .closed: return
            }
          }
        }
      }
      let waiting = Task {
        for _ in 0..<1000 {
          guard case .sent = await actor.deliver(.number(2)) else { return }
          accepted.add()
        }
      }
      await until { notes.count > 3 }
      system.stop(actor, .drain)
      for thread in threads { await thread.value }
      await waiting.value
      #expect(await actor.termination.kind == "stopped")
      #expect(notes.all.filter { Int($0) != nil }.count == accepted.value)
      await pool.end()
      #expect(system.counts.allDeadLetters == 0)
    }
  }
}
