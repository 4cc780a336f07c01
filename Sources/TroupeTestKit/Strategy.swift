import Troupe

extension Simulation {
  /// In which order a simulation runs what can run.
  public struct Strategy: Sendable {
    enum Kind: Sendable {
      case random
      case firstComeFirstServed
      case priorities(changes: Int, steps: Int)
      case schedule(Schedule)
    }
    let kind: Kind

    /// Any of those that can run, with the same chance; the default.
    public static let random = Strategy(kind: .random)
    /// In the order in which they became able to. The seed does not matter.
    public static let firstComeFirstServed = Strategy(kind: .firstComeFirstServed)

    func chooser(_ seed: UInt64) -> any Chooser {
      switch kind {
      case .random: UniformChooser(seed: seed)
      case .firstComeFirstServed: ScheduledChooser(Schedule())
      case .priorities(let changes, let steps): PriorityChooser(seed: seed, changes: changes, steps: steps)
      case .schedule(let schedule): ScheduledChooser(schedule)
      }
    }
  }
}
