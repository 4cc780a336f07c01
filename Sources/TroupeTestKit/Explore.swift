import Dispatch
import Troupe

extension Simulation {
  /// A scenario to explore. It gets a simulation of its own, spawns, sends and asks, and throws if something is
  /// wrong.
  public typealias Scenario = @Sendable (Simulation) async throws -> Void

  /// Runs a scenario once for each seed, on all processors, and throws an `ExplorationFailure` for the lowest seed
  /// with which it fails. The failure says how to run the scenario again, and has the shortest deviation from first
  /// come, first served with which it still fails.
  ///
  /// A scenario fails if it throws, or if `finish` finds an issue. Use `Simulation.expect` in it: a scenario runs on
  /// other threads, on which test libraries do not know the test. If `TROUPE_SEED` is set in the environment, only
  /// that seed runs, and its history is printed.
  public static func explore(
    seeds: Range<UInt64> = 0..<200, options: Options = Options(), function: StaticString = #function,
    _ scenario: @escaping Scenario
  ) throws(ExplorationFailure) {
    if let seed = Replay.seed {
      var options = options
      if let schedule = Replay.schedule { options.strategy = Strategy(kind: .schedule(schedule)) }
      let run = Run(seed: seed, options: options, scenario)
      Replay.show(run.history, of: seed)
      if run.error != nil { throw ExplorationFailure(run, tried: 1, function: function, shortest: nil) }
      return
    }
    let search = Search(seeds)
    DispatchQueue.concurrentPerform(iterations: processors) { _ in
      while let seed = search.next() {
        let run = Run(seed: seed, options: options, scenario)
        if run.error != nil { search.fails(with: run) }
      }
    }
    guard let run = search.failure else { return }
    throw ExplorationFailure(
      run, tried: Int(run.seed - seeds.lowerBound) + 1, function: function,
      shortest: Shortening(run, options, scenario).shortest())
  }

  private static var processors: Int { max(1, min(8, Int(processorCount))) }
}

/// One run of a scenario, and its result.
struct Run: Sendable {
  let seed: UInt64
  let error: (any Error)?
  let history: Simulation.History
  let schedule: Schedule
  /// How often there was a choice.
  let choices: Int

  init(
    seed: UInt64, options: Simulation.Options, chooser: (any Chooser)? = nil, _ scenario: @escaping Simulation.Scenario
  ) {
    var options = options
    options.issueHandler = nil
    self.seed = seed
    let simulation = Simulation(seed: seed, options: options, chooser: chooser ?? options.strategy.chooser(seed))
    do {
      try simulation.runAndFinish(scenario)
      error = nil
    } catch {
      self.error = error
    }
    history = simulation.history
    schedule = simulation.choices.schedule
    choices = simulation.choices.count
  }
}

/// Hands out seeds until a run has failed, and keeps the failure with the lowest seed.
///
/// Sendable because everything that changes is under the lock.
private final class Search: @unchecked Sendable {
  private let lock = FutexLock()
  private var left: Range<UInt64>
  private var found: Run?

  init(_ seeds: Range<UInt64>) { left = seeds }

  func next() -> UInt64? {
    lock.withLock { found == nil ? left.popFirst() : nil }
  }

  func fails(with run: Run) {
    lock.withLock {
      if let found, found.seed < run.seed { return }
      found = run
    }
  }

  var failure: Run? { lock.withLock { found } }
}
