import TestSupport
import Testing
import Troupe

@Suite(.spins) struct LinkTests {
  static let seeds = 0..<UInt64(24)

  @Test(arguments: seeds, [0, 1, 2]) func `whichever ends, the other one stops as linked`(seed: UInt64, way: Int) {
    for first in 0..<2 {
      let sim = Simulation(seed: seed)
      let pair = [sim.system.patient("a"), sim.system.patient("b")]
      pair[0].send(.run { $0.link(pair[1]) })
      if seed % 2 == 0 { sim.run() }
      switch way {
      case 0: sim.system.stop(pair[first])
      case 1: pair[first].send(.fail(1))
      default: sim.system.stop(pair[first], .drain)
      }
      sim.run()
      // A stop that overtakes the link leaves nothing to link; the other way round the link is one to the dead.
      if seed % 2 == 0 || first == 1 || way > 0 {
        #expect(sim.end(of: pair[first]) == (way == 1 ? "failed" : "stopped"))
        #expect(sim.end(of: pair[1 - first]) == "linked", "first \(first)")
      }
      sim.end()
    }
  }

  @Test(arguments: seeds) func `a link to one that has ended, or never lived, stops this one`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let dead = sim.system.patient("dead")
    sim.system.stop(dead)
    sim.run()
    let living = sim.system.patient("x")
    let refused = sim.system.patient("x")
    let notes = Trail<String>()
    let one = sim.system.patient("one", notes)
    one.send(.run { $0.link(dead) })
    let two = sim.system.patient("two")
    two.send(.run { $0.link(refused) })
    #expect(sim.end(of: one) == "linked")
    #expect(sim.end(of: two) == "linked")
    #expect(sim.end(of: living) == nil)
    #expect(notes.all == ["start 1", "stop 1"])
    sim.end()
  }

  @Test(arguments: seeds, 1...6) func `a cycle of links ends as a whole, each once`(seed: UInt64, length: Int) {
    let sim = Simulation(seed: seed)
    let notes = (0..<length).map { _ in Trail<String>() }
    let actors = notes.enumerated().map { sim.system.patient("a\($0)", $1) }
    for i in 0..<length {
      let next = actors[(i + 1) % length]
      actors[i].send(
        .run { context in
          context.link(next)
          context.link(next)
        })
    }
    sim.run()
    #expect(sim.end(of: actors[0]) == nil)
    actors[Int(seed) % length].send(.fail(1))
    let ends = actors.map { sim.end(of: $0) }
    for (i, end) in ends.enumerated() { #expect(end == (i == Int(seed) % length ? "failed" : "linked")) }
    for trail in notes { #expect(trail.all.filter { $0.hasPrefix("st") } == ["start 1", "stop 1"]) }
    #expect(sim.system.counts.topLevelActors == 0)
    sim.end()
  }

  @Test(arguments: seeds, [false, true]) func `a link and a watch of the same actor do not replace one another`(
    seed: UInt64, linkFirst: Bool
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let (actor, watcher) = (sim.system.patient("a"), sim.system.patient("w", notes))
    watcher.send(
      .run { context in
        if linkFirst { context.link(actor) }
        context.watch(actor)
        if !linkFirst { context.link(actor) }
        context.unwatch(actor)
      })
    sim.run()
    sim.system.stop(actor)
    #expect(sim.end(of: watcher) == "linked")

    // Another one's link to me leaves my watch of it as it is.
    let (other, second) = (sim.system.patient("o"), Trail<String>())
    let mine = sim.system.patient("m", second)
    mine.send(.run { $0.watch(other, with: { _ in .number(5) }) })
    sim.run()
    other.send(.run { $0.link(mine) })
    sim.run()
    sim.system.stop(other)
    #expect(sim.end(of: mine) == "linked")
    #expect(second.all.contains("5"))
    sim.end()
  }

  @Test func `a restart is no end for a link`() {
    let sim = Simulation(seed: 1)
    let pair = [sim.system.patient("a", Trail(), .restartNow), sim.system.patient("b", Trail(), .restartNow)]
    pair[0].send(.run { $0.link(pair[1]) })
    for actor in pair { for i in 0..<3 { actor.send(.fail(i)) } }
    #expect(sim.end(of: pair[0]) == nil && sim.end(of: pair[1]) == nil)
    #expect(sim.system.counts.restarts == 6)
    sim.system.stop(pair[1])
    #expect(sim.end(of: pair[0]) == "linked")
    sim.end()
  }

  @Test func `links on threads: whole groups end, each once`() async {
    let pool = Pooled(workers: 2)
    for round in 0..<Scale.count(200) {
      let stops = Counter()
      let actors = (0..<6).map { _ in pool.system.patient(nil, onStop: { _ in stops.add() }) }
      for i in 0..<6 {
        let next = actors[(i + 1) % 6]
        actors[i].send(.run { $0.link(next) })
      }
      actors[round % 6].send(.fail(1))
      for (i, actor) in actors.enumerated() {
        let kind = await actor.termination.kind
        #expect(kind == (i == round % 6 ? "failed" : "linked"))
      }
      #expect(stops.value == 6)
    }
    await pool.end()
  }
}
