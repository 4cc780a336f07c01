/// What decides the run of a simulation: which of those that can run runs next.
package protocol Chooser: AnyObject {
  /// The index of one of the candidates, which stand in the order in which they became runnable; there is at least one.
  func choose(from candidates: [Candidate]) -> Int
}

/// Something that can run now: an actor, a part of a task, or the first timer that is due.
package struct Candidate {
  let runnable: Runnable?
  /// Counts what became runnable in this simulation. 0: the timer.
  package let number: Int

  /// The path of the actor that would run, if it is one.
  package var actor: String? {
    guard let runnable else { return nil }
    if runnable.isCell { return runnable.cell._withUnsafeGuaranteedRef { $0.path } }
    switch runnable.task {
    case .loop(let loop), .yieldedLoop(let loop):
      return loop._withUnsafeGuaranteedRef { $0.cell?._withUnsafeGuaranteedRef { $0.path } }
    case .job, .yieldedJob: return nil
    }
  }
}

/// Any of them, with the same chance.
package final class UniformChooser: Chooser {
  private var random: SplitMix
  package init(seed: UInt64) { random = SplitMix(seed: seed) }
  package func choose(from candidates: [Candidate]) -> Int { random.below(candidates.count) }
}
