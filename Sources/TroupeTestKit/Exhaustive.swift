import Troupe

extension Simulation {
  /// What `exploreAll` has covered.
  public struct Coverage: Sendable {
    /// How often the scenario ran.
    public let runs: Int
    /// Whether those were all runs within the bound.
    public let isComplete: Bool
  }

  /// Runs a small scenario in every order within a bound, depth first, and throws an `ExplorationFailure` for the
  /// first run that fails. Use it for small models, in which a random search might miss a rare order.
  ///
  /// The bound is the number of preemptions. A preemption is a switch away from an actor that could go on. Most
  /// errors need few of them, so a small bound finds much and ends soon (M. Musuvathi, S. Qadeer: Iterative Context
  /// Bounding for Systematic Testing of Multithreaded Programs, PLDI 2007). The number of runs grows exponentially
  /// with the number of switches that are free.
  /// - Parameters:
  ///   - preemptions: How many preemptions a run may have.
  ///   - limit: How many runs there may be.
  ///   - options: The options of each run.
  ///   - function: The test that the error names; leave it as it is.
  ///   - scenario: What each run does.
  @discardableResult
  public static func exploreAll(
    preemptions: Int = 2, limit: Int = 100_000, options: Options = Options(), function: StaticString = #function,
    _ scenario: @escaping Scenario
  ) throws(ExplorationFailure) -> Coverage {
    var path: [Int]? = []
    var runs = 0
    if let schedule = Replay.schedule {
      let run = Run(seed: 0, options: options, chooser: ScheduledChooser(schedule), scenario)
      Replay.show(run.history, of: 0)
      if run.error != nil { throw ExplorationFailure(run, tried: 1, function: function, shortest: nil) }
      return Coverage(runs: 1, isComplete: false)
    }
    while let prefix = path {
      if runs == limit { return Coverage(runs: runs, isComplete: false) }
      let chooser = DepthFirstChooser(prefix, preemptions: preemptions)
      let run = Run(seed: 0, options: options, chooser: chooser, scenario)
      runs += 1
      if run.error != nil {
        throw ExplorationFailure(
          run, tried: runs, function: function, shortest: Shortening(run, options, scenario).shortest())
      }
      path = chooser.nextPath
    }
    return Coverage(runs: runs, isComplete: true)
  }
}

/// Follows a path of choices, then always takes the first one that is allowed, and knows the next path.
final class DepthFirstChooser: Chooser {
  private let prefix: [Int]
  private var preemptionsLeft: Int
  private var running: String?
  /// What was taken at each choice, and out of how many.
  private var taken: [(choice: Int, of: Int)] = []

  init(_ prefix: [Int], preemptions: Int) {
    self.prefix = prefix
    preemptionsLeft = preemptions
  }

  func choose(from candidates: [Candidate]) -> Int {
    let index = pick(candidates)
    running = candidates[index].actor
    return index
  }

  private func pick(_ candidates: [Candidate]) -> Int {
    if candidates.count == 1 { return 0 }
    // Going on with the same actor comes first, and costs no preemption.
    let goesOn = running == nil ? nil : candidates.firstIndex { $0.actor == running }
    if goesOn != nil && preemptionsLeft == 0 { return goesOn! }
    let choice = taken.count < prefix.count ? prefix[taken.count] : 0
    taken.append((choice, candidates.count))
    guard let goesOn else { return choice }
    if choice == 0 { return goesOn }
    preemptionsLeft -= 1
    return choice <= goesOn ? choice - 1 : choice
  }

  /// The path after this one; nil if this was the last one.
  var nextPath: [Int]? {
    guard let last = taken.lastIndex(where: { $0.choice + 1 < $0.of }) else { return nil }
    return taken[..<last].map(\.choice) + [taken[last].choice + 1]
  }
}
