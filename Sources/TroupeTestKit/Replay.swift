import Troupe

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Reads from the environment which run is to be repeated.
enum Replay {
  static let seedVariable = "TROUPE_SEED"
  static let scheduleVariable = "TROUPE_SCHEDULE"

  static var seed: UInt64? { variable(seedVariable).flatMap { UInt64($0) } }
  /// The schedule to follow. An empty one is first come, first served; nil means that the seed decides.
  static var schedule: Schedule? { variable(scheduleVariable).flatMap { Schedule($0) } }

  private static func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

  static func show(_ history: Simulation.History, of seed: UInt64) {
    print("history of seed \(seed)\n\(history)")
  }
}

/// How many processors the machine has for simulations.
var processorCount: Int { ProcessInfo.processInfo.activeProcessorCount }
