import FoundationEssentials
import Troupe

/// What the environment says about which run to repeat.
enum Replay {
  static let seedVariable = "TROUPE_SEED"
  static let scheduleVariable = "TROUPE_SCHEDULE"

  static var seed: UInt64? { variable(seedVariable).flatMap { UInt64($0) } }
  /// Empty: first come, first served. Nil: as the seed says.
  static var schedule: Schedule? { variable(scheduleVariable).flatMap { Schedule($0) } }

  private static func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

  static func show(_ history: Simulation.History, of seed: UInt64) {
    print("history of seed \(seed)\n\(history)")
  }
}

/// Processors that simulations may run on at a time.
var processorCount: Int { ProcessInfo.processInfo.activeProcessorCount }
