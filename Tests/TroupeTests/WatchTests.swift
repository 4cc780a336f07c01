import CTroupeShims
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct WatchTests {
  static let seeds = 0..<UInt64(24)
  typealias PatientAddress = Address<Patient.Message>

  @Test(arguments: seeds, [false, true]) func `each watcher is told exactly once, however often it watches`(
    seed: UInt64, isAsync: Bool
  ) {
    var random = Random(seed: seed)
    let sim = Simulation(seed: seed)
    let actor = sim.system.patient("a", isAsync: isAsync)
    let notes = (0..<6).map { _ in Trail<String>() }
    for (i, trail) in notes.enumerated() {
      let watcher = sim.system.patient("w\(i)", trail, isAsync: i % 2 == 0)
      for _ in 0..<(1 + i % 3) { watcher.send(.run { $0.watch(actor) }) }
    }
    // Some watch before the end, some after it.
    for _ in 0..<random.below(20) { _ = sim.scheduler.step() }
    sim.system.stop(actor)
    sim.run()
    for trail in notes {
      #expect(trail.all.filter { $0 == "sim/a stopped" }.count >= 1)
      #expect(trail.all.count <= 4)
    }
    #expect(notes[0].all == ["start 1", "sim/a stopped"])
    #expect(notes[3].all == ["start 1", "sim/a stopped"])
    sim.end()
  }

  @Test func `to watch twice is to watch once, and the later form holds`() {
    let sim = Simulation(seed: 1)
    let (notes, actor) = (Trail<String>(), sim.system.patient("a"))
    let watcher = sim.system.patient("w", notes)
    watcher.send(
      .run { context in
        context.watch(actor)
        context.watch(actor)
        context.watch(actor, with: { .number($0.path.count) })
      })
    sim.run()
    sim.system.stop(actor)
    sim.run()
    #expect(notes.all == ["start 1", "5"])
    sim.end()
  }

  @Test(arguments: seeds) func `M7 an actor that is already dead, or never lived, is told at once and with its reason`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let failed = sim.system.patient("f")
    failed.send(.fail(1))
    let stopped = sim.system.patient("s")
    sim.system.stop(stopped)
    sim.run()
    let living = sim.system.patient("l")
    let refused = sim.system.patient("l")
    let watcher = sim.system.patient("w", notes)
    watcher.send(
      .run { context in
        context.watch(failed)
        context.watch(stopped)
        context.watch(refused)
        context.watch(living)
      })
    sim.run()
    #expect(notes.all == ["start 1", "sim/f failed", "sim/s stopped", "sim/l nameTaken"])
    sim.end()
  }

  @Test(arguments: seeds) func `M13 the notice comes after everything that the ended actor has sent`(seed: UInt64) {
    var random = Random(seed: seed)
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let capacity = [0, 3, 64][Int(seed % 3)]
    let watcher = sim.system.patient(
      "w", notes, isAsync: seed % 2 == 0,
      options: SpawnOptions(mailbox: capacity == 0 ? .unbounded : .bounded(capacity)))
    sim.run()
    let sent = Counter()
    for i in 0..<20 {
      let count = random.below(40)
      let actor = sim.system.patient(
        "a\(i)",
        onStop: { context in
          for n in 0..<count {
            if case .sent = watcher.trySend(.number(i * 1000 + n)) { sent.add() }
          }
        })
      watcher.send(.run { $0.watch(actor) })
      for _ in 0..<random.below(10) { _ = sim.scheduler.step() }
      sim.system.stop(actor)
    }
    sim.run()
    let all = notes.all
    #expect(all.filter { Int($0) != nil }.count == sent.value)
    for i in 0..<20 {
      guard let notice = all.firstIndex(of: "sim/a\(i) stopped") else { continue }
      let last = all.lastIndex { Int($0).map { $0 / 1000 == i } ?? false }
      #expect(last.map { $0 < notice } ?? true, "actor \(i)")
    }
    sim.end()
  }

  @Test func `M13 the notice comes after everything that the ended actor has sent, on threads`() async {
    let pool = Pooled(workers: 2)
    let (wrong, ended, count) = (Counter(), Countdown(Scale.count(2000)), Scale.count(2000))
    enum Message: Sendable {
      case one
      case end
      case begin
    }
    struct Watcher: Behavior {
      let (wrong, ended): (Counter, Countdown)
      var received = 0
      mutating func receive(_ message: consuming Message, in context: Context<Message>) {
        switch message {
        case .one: received += 1
        case .end:
          if received != 10 { wrong.add() }
          received = 0
          ended.down()
          if !ended.isOver { context.address.send(.begin) }
        case .begin:
          let own = context.address
          let child = context.spawn(state: 0) { (_: inout Int, n: consuming Int, context: Context<Int>) in
            own.send(.one)
            if n == 9 { context.stop() }
          }
          context.watch(child, with: { _ in .end })
          for n in 0..<10 { child.send(n) }
        }
      }
    }
    let watchers = (0..<2).map { _ in
      let half = Countdown(count / 2)
      let watcher = pool.system.spawn { Watcher(wrong: wrong, ended: half) }
      watcher.send(.begin)
      return (watcher, half)
    }
    for (_, half) in watchers { await half.wait() }
    for _ in 0..<count { ended.down() }
    #expect(wrong.value == 0)
    await pool.end()
  }

  @Test(arguments: seeds) func `unwatch stops a notice that is on its way`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a")
    let watcher = sim.system.patient("w", notes)
    watcher.send(seed % 2 == 0 ? .run { $0.watch(actor) } : .run { $0.watch(actor, with: { _ in .number(1) }) })
    sim.run()
    sim.system.suspend(watcher)
    sim.run()
    watcher.send(.run { $0.unwatch(actor) })
    sim.system.stop(actor)
    sim.run()
    sim.system.resume(watcher)
    sim.run()
    #expect(notes.all == ["start 1"])
    // It can be watched anew, and then has ended.
    watcher.send(.run { $0.watch(actor) })
    sim.run()
    #expect(notes.all == ["start 1", "sim/a stopped"])
    sim.end()
    #expect(sim.system.counts.allDeadLetters == 0)
  }

  @Test func `a watch with a message has room in a full mailbox, at its place`() {
    let sim = Simulation(seed: 2)
    let notes = Trail<String>()
    let actors = (0..<5).map { sim.system.patient("a\($0)") }
    let watcher = sim.system.patient("w", notes, options: SpawnOptions(mailbox: .bounded(2)))
    watcher.send(.run { context in for actor in actors { context.watch(actor, with: { _ in .number(7) }) } })
    sim.run()
    sim.system.suspend(watcher)
    sim.run()
    watcher.send(.number(1))
    watcher.send(.number(2))
    for actor in actors { sim.system.stop(actor) }
    sim.run()
    if case .full = watcher.trySend(.number(3)) {} else { Issue.record("the bound has moved") }
    sim.system.resume(watcher)
    sim.run()
    #expect(notes.all == ["start 1", "1", "2", "7", "7", "7", "7", "7"])
    #expect(sim.system.counts.settledMessages == 8 && sim.system.counts.allDeadLetters == 0)
    sim.end()
  }

  @Test func `watchers hear in the order in which they began, and a restarted watcher still hears`() {
    let sim = Simulation(seed: 3)
    let (told, notes) = (Trail<Int>(), Trail<String>())
    let actor = sim.system.patient("a")
    let watcher = sim.system.patient("w", notes, .restartNow)
    watcher.send(.run { $0.watch(actor) })
    watcher.send(.fail(1))
    // On one worker notices are handled in the order of their posts, if nothing else is chosen: so count on the posts.
    for i in 0..<5 {
      let other = sim.system.spawn(state: 0) { (_: inout Int, m: consuming Int, context: Context<Int>) in
        if m == 0 {
          context.watch(
            actor,
            with: { _ in
              told.append(i)
              return 1
            })
        }
      }
      other.send(0)
      sim.run()
    }
    sim.system.stop(actor)
    sim.run()
    #expect(told.all == [0, 1, 2, 3, 4])
    #expect(notes.all.last == "sim/a stopped")
    sim.end()
  }
}
