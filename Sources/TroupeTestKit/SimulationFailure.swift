/// A simulated run that is no good: what `Simulation.finish` and what waits in a simulation throw.
public struct SimulationFailure: Error, CustomStringConvertible {
  /// The seed that leads here again.
  public let seed: UInt64
  /// What is wrong.
  public let issues: [Simulation.Issue]
  /// Everything up to here.
  public let history: Simulation.History

  /// The issues, the seed, and the end of the history.
  public var description: String {
    let last = history.entries.suffix(Self.shown)
    let skipped = history.entries.count - last.count
    return issues.map(\.description).joined(separator: "\n") + "\nseed \(seed)\n"
      + (skipped > 0 ? "… \(skipped) earlier lines\n" : "") + last.map(\.description).joined(separator: "\n")
  }
  private static let shown = 60
}
