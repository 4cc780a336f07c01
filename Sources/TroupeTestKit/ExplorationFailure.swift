/// Says with which seed a scenario fails, and how to see it fail again.
public struct ExplorationFailure: Error, CustomStringConvertible {
  /// The seed with which the scenario fails.
  public let seed: UInt64
  /// What the scenario threw, or what was found at its end.
  public let error: any Error
  /// How many runs it took to find the failure.
  public let tried: Int
  /// What happened in the shortest run that fails.
  public let history: Simulation.History
  /// The command that repeats the run.
  public let command: String
  /// The command that repeats the shortest run, if there is a shorter one.
  public let shortestCommand: String?
  /// How many choices of the shortest run are not first come, first served, and how many choices it has in all.
  public let deviations: (Int, of: Int)

  init(_ run: Run, tried: Int, function: StaticString, shortest: Run?) {
    let shown = shortest ?? run
    seed = run.seed
    error = shown.error ?? run.error ?? CancellationError()
    self.tried = tried
    history = shown.history
    let test = "swift test --filter '\(ExplorationFailure.name(function))'"
    command = "\(Replay.seedVariable)=\(run.seed) \(test)"
    shortestCommand = shortest.map {
      "\(Replay.seedVariable)=\(run.seed) \(Replay.scheduleVariable)=\($0.schedule) \(test)"
    }
    deviations = (shown.schedule.deviations.count, of: shown.choices)
  }

  /// The name of a test function, as `swift test --filter` knows it.
  private static func name(_ function: StaticString) -> String {
    String("\(function)".prefix { $0 != "(" }.filter { $0 != "`" && $0 != "'" })
  }

  /// The failure, the commands that repeat it, and the history.
  public var description: String {
    let what = (error as? SimulationFailure)?.issues.map(\.description).joined(separator: "\n") ?? "\(error)"
    var lines = ["seed \(seed) fails, after \(tried) runs: \(what)", "run it again:  \(command)"]
    if let shortestCommand { lines.append("shortest run:  \(shortestCommand)") }
    lines.append("\(deviations.0) of \(deviations.of) choices are not first come, first served")
    return (lines + [history.description]).joined(separator: "\n")
  }
}
