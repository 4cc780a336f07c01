import Troupe

extension Simulation {
  /// Decides in which order a simulation runs what can run.
  public struct Strategy: Sendable {
    enum Kind: Sendable {
      case random
      case firstComeFirstServed
      case priorities(changes: Int, steps: Int)
      case schedule(Schedule)
    }
    let kind: Kind

    /// Chooses any of those that can run, each with the same chance. This is the default.
    public static let random = Strategy(kind: .random)
    /// Runs everything in the order in which it became able to run. The seed does not matter for this order.
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
