/// Says what is wrong with a simulated run. `Simulation.finish` throws it, and so do the calls that wait in a
/// simulation.
public struct SimulationFailure: Error, CustomStringConvertible {
  /// The seed that leads to this failure again.
  public let seed: UInt64
  /// The issues that were found.
  public let issues: [Simulation.Issue]
  /// Everything that happened up to this point.
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
