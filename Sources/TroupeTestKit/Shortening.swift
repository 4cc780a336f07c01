/// Looks for a schedule that fails as well and is nearer to first come, first served.
///
/// The algorithm is A. Zeller, R. Hildebrandt: Simplifying and Isolating Failure-Inducing Input, IEEE Transactions on
/// Software Engineering, 2002. The input here is the list of deviations.
struct Shortening {
  private let run: Run
  private let options: Simulation.Options
  private let scenario: Simulation.Scenario
  private static let attempts = 400

  init(_ run: Run, _ options: Simulation.Options, _ scenario: @escaping Simulation.Scenario) {
    self.run = run
    self.options = options
    self.scenario = scenario
  }

  /// The run with the shortest schedule that was found to fail; nil if not even the whole schedule fails.
  func shortest() -> Run? {
    var left = Shortening.attempts
    func attempt(_ deviations: [Schedule.Deviation]) -> Run? {
      left -= 1
      let run = Run(
        seed: run.seed, options: options, chooser: ScheduledChooser(Schedule(deviations)), scenario)
      return run.error == nil ? nil : run
    }
    if let run = attempt([]) { return run }
    guard var best = attempt(run.schedule.deviations) else { return nil }
    var pieces = 2
    while left > 0 {
      let deviations = best.schedule.deviations
      if deviations.count < 2 { break }
      pieces = min(pieces, deviations.count)
      let size = (deviations.count + pieces - 1) / pieces
      var shorter: Run?
      for start in stride(from: 0, to: deviations.count, by: size) where left > 0 && shorter == nil {
        var rest = deviations
        rest.removeSubrange(start..<min(start + size, deviations.count))
        if let run = attempt(rest), run.schedule.deviations.count < deviations.count { shorter = run }
      }
      if let shorter {
        best = shorter
        pieces = max(2, pieces - 1)
      } else if size == 1 {
        break
      } else {
        pieces *= 2
      }
    }
    return best
  }
}
