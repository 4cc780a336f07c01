import TestSupport
import Testing
import Troupe

/// What supervision decides, and when it gives up.
@Suite struct SupervisionTests {
  static let seeds = 0..<UInt64(24)
  static func messages(_ fail: Int = 2) -> [Patient.Message] { [.number(1), .fail(fail), .number(3), .total] }

  @Test(arguments: seeds, [false, true]) func `stop ends with the error, and what is queued becomes dead letters`(
    seed: UInt64, isAsync: Bool
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, .stop, isAsync: isAsync)
    let end = sim.start { await actor.termination.failure?.error as? Oops ?? Oops(-1) }
    for message in Self.messages() { actor.send(message) }
    sim.run()
    #expect(notes.all == ["start 1", "1", "fail 2", "stop 1"])
    #expect(end.value == Oops(2))
    let counts = sim.system.counts
    #expect(counts.handled == 1 && counts.failed == 1 && counts.deadLetters == [.queuedAtEnd: 2])
    sim.end()
  }

  @Test(arguments: seeds, [false, true]) func `resume keeps the state, and not the failed message`(
    seed: UInt64, isAsync: Bool
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes, .resume, isAsync: isAsync)
    for message in Self.messages() { actor.send(message) }
    sim.run()
    #expect(notes.all == ["start 1", "1", "fail 2", "3", "total 4"])
    #expect(sim.system.counts.restarts == 0 && sim.system.counts.failures == 1)
    sim.end()
  }

  @Test(arguments: seeds, [false, true]) func `restart waits, begins with a new state, and keeps what is queued`(
    seed: UInt64, isAsync: Bool
  ) {
    let sim = Simulation(seed: seed)
    let notes = Trail<String>()
    let policy = Supervision { _, _ in .restart(after: .milliseconds(50)) }
    let actor = sim.system.patient("a", notes, policy, isAsync: isAsync)
    for message in Self.messages() { actor.send(message) }
    sim.run()
    sim.advance(by: .milliseconds(49))
    #expect(notes.all == ["start 1", "1", "fail 2", "stop 1"])
    actor.send(.number(9))
    sim.advance(by: .milliseconds(1))
    #expect(notes.all == ["start 1", "1", "fail 2", "stop 1", "start 2", "3", "total 3", "9"])
    #expect(sim.system.counts.restarts == 1 && sim.system.counts.allDeadLetters == 0)
    sim.end()
  }

  @Test(arguments: seeds) func `by default an actor is restarted after about a tenth of a second`(seed: UInt64) {
    let sim = Simulation(seed: seed, supervision: .default)
    let notes = Trail<String>()
    let actor = sim.system.patient("a", notes)
    actor.send(.fail(1))
    sim.run()
    sim.advance(by: .milliseconds(79))
    #expect(notes.all == ["start 1", "fail 1", "stop 1"])
    sim.advance(by: .milliseconds(42))
    #expect(notes.all.last == "start 2")
    sim.end()
  }

  @Test func `M18 the limit counts for each actor, and failures that are long ago count no more`() {
    let sim = Simulation(seed: 1)
    let policy = Supervision.restart(limit: 3, within: .seconds(10), backoff: .none)
    let (a, b) = (sim.system.patient("a", Trail(), policy), sim.system.patient("b", Trail(), policy))
    for _ in 0..<3 {
      a.send(.fail(1))
      b.send(.fail(1))
      sim.run()
    }
    #expect(sim.system.counts.restarts == 6)
    #expect(sim.end(of: a) == nil && sim.end(of: b) == nil)
    a.send(.fail(1))
    #expect(sim.end(of: a) == "failed")
    // The other one does well for as long as the window, and is forgiven.
    sim.advance(by: .seconds(10))
    for _ in 0..<3 { b.send(.fail(1)) }
    #expect(sim.end(of: b) == nil)
    b.send(.fail(1))
    #expect(sim.end(of: b) == "failed")
    #expect(sim.system.counts.failures == 11)
    sim.end()
  }

  @Test(arguments: [0, 1, 63, 64, 65, 100, 200]) func `M18 a crash loop ends after exactly the limit`(limit: Int) {
    let sim = Simulation(seed: 2)
    let made = Counter()
    let actor = sim.system.spawn(
      "a", options: SpawnOptions(supervision: .restart(limit: limit, within: .seconds(1_000_000)))
    ) { () throws -> Patient in
      made.add()
      if made.value > 10_000 { fatalError("the crash loop does not end") }
      throw Oops(made.value)
    }
    let end = sim.start { await actor.termination.failure }
    sim.advance(by: .seconds(500_000))
    #expect(made.value == limit + 1)
    #expect(end.value??.incarnation == limit + 1)
    #expect(sim.log.all.filter { $0.contains("actor failed") }.count == limit + 1)
    #expect(sim.system.counts.topLevelActors == 0)
    sim.end()
  }

  @Test func `beyond the limit comes what was asked for`() {
    let sim = Simulation(seed: 3)
    let notes = Trail<String>()
    let policy = Supervision.restart(limit: 1, backoff: .none, then: .resume)
    let actor = sim.system.patient("a", notes, policy)
    for message: Patient.Message in [.fail(1), .number(5), .fail(2), .total] { actor.send(message) }
    sim.run()
    #expect(notes.all == ["start 1", "fail 1", "stop 1", "start 2", "5", "fail 2", "total 5"])
    sim.end()
  }

  private func decide(_ policy: Supervision, recent: Int, random: Double) -> Supervision.Decision {
    let failure = ActorFailureMaker.make(at: .seconds(100))
    return policy.decide(
      failure, .init(failures: Array(repeating: .seconds(99), count: recent), restarts: recent, random: random))
  }

  @Test func `M18 backoff grows by its factor up to its end, with jitter on both sides`() {
    let exact = Supervision.restart(
      limit: 100, backoff: .exponential(from: .milliseconds(100), to: .seconds(1), factor: 2, jitter: 0))
    let delays = [100, 200, 400, 800, 1000, 1000]
    for (recent, delay) in delays.enumerated() {
      #expect(decide(exact, recent: recent, random: 0.9) == .restart(after: .milliseconds(delay)))
    }
    let policy = Supervision.restart(backoff: .constant(.seconds(10), jitter: 0.5))
    #expect(decide(policy, recent: 0, random: 0) == .restart(after: .seconds(5)))
    #expect(decide(policy, recent: 5, random: 0.5) == .restart(after: .seconds(10)))
    #expect(decide(policy, recent: 5, random: 0.75) == .restart(after: .milliseconds(12_500)))
    #expect(decide(.restart(backoff: .none), recent: 9, random: 0.9) == .restart(after: .zero))
  }

  @Test(arguments: [1, 2, 1e300, .infinity]) func `a backoff does not overflow`(factor: Double) {
    let longest = Duration.seconds(Int64.max)
    for first in [Duration.zero, .nanoseconds(1), longest] {
      let policy = Supervision.restart(
        limit: 100, backoff: .exponential(from: first, to: longest, factor: factor, jitter: 1))
      for recent in [0, 1, 99] {
        guard case .restart(let delay) = decide(policy, recent: recent, random: 0.999) else {
          Issue.record("gave up")
          continue
        }
        #expect(delay >= first && delay <= longest * 2)
      }
    }
  }

  /// When each incarnation begins, in a crash loop.
  private func times(_ seed: UInt64) -> [Int64] {
    let sim = Simulation(seed: seed)
    let (times, scheduler) = (Trail<Int64>(), sim.scheduler)
    _ = sim.system.patient(
      "a", Trail(), .restart(limit: 5, backoff: .exponential(from: .seconds(1), jitter: 0.2)),
      onStart: { _ in
        times.append(scheduler.coarseNow)
        throw Oops()
      })
    sim.advance(by: .seconds(100))
    sim.end()
    return times.all
  }

  @Test func `M18 jitter stays in its bounds, repeats with the seed, and differs between seeds`() {
    var all: Set<[Int64]> = []
    for seed in Self.seeds {
      let one = times(seed)
      #expect(one == times(seed))
      all.insert(one)
      let waits = zip(one, one.dropFirst()).map { Double($1 - $0) / 1e9 }
      #expect(waits.count == 5)
      for (wait, middle) in zip(waits, [1.0, 2, 4, 8, 16]) {
        #expect(wait >= 0.8 * middle - 1e-6 && wait <= 1.2 * middle + 1e-6)
      }
    }
    #expect(all.count == Self.seeds.count)
  }
}

/// A failure as a policy sees it, made by an actor since nothing else can make one.
enum ActorFailureMaker {
  static func make(at time: Duration) -> ActorFailure {
    let sim = Simulation(seed: 0)
    let found = Trail<ActorFailure>()
    let policy = Supervision { failure, _ in
      found.append(failure)
      return .stop
    }
    // The simulated clock begins at one second.
    sim.advance(by: time - .seconds(1))
    sim.system.patient("a", Trail(), policy).send(.fail(1))
    sim.run()
    sim.end()
    return found.all[0]
  }
}
