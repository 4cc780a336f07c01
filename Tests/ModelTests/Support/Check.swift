import Foundation
import Testing
import TroupeModel

/// How far the exploration goes: `TROUPE_MODEL_BOUND` preemptions, 2 unless told otherwise.
enum Check {
  static let bound: Int = {
    guard let text = ProcessInfo.processInfo.environment["TROUPE_MODEL_BOUND"], let bound = Int(text) else { return 2 }
    return bound
  }()

  /// Explores all interleavings up to the bound, and says how many there were.
  ///
  /// Where errors are thrown memory is not measured: the testing library keeps a backtrace of each for a while.
  static func all(
    _ name: String, fewer: Int = 0, throwing: Bool = false, location: SourceLocation = #_sourceLocation,
    _ scenario: () -> Execution
  ) {
    let start = ContinuousClock.now
    let result = Exploration.explore(preemptions: max(0, bound - fewer), scenario)
    print("model: \(name): \(result) (\(ContinuousClock.now - start))")
    #expect(result.failure == nil, "\(name): \(result)", sourceLocation: location)
    #expect(result.isComplete, "\(name): \(result)", sourceLocation: location)
    // Without a preemption there may be no choice.
    #expect(result.executions > 1 || bound - fewer <= 0, "\(name) has no choice to make", sourceLocation: location)
    // The language's runtime keeps a little when it meets a type for the first time.
    if throwing { return }
    #expect(result.leaked < 8 << 10, "\(name): \(result.leaked) bytes left behind", sourceLocation: location)
  }
}

/// Everything that is checked, one after the other: there is one controller.
@Suite(.serialized) enum ModelTests {}
