/// Decides the course of a simulation: it says which of the things that can run runs next.
package protocol Chooser: AnyObject {
  /// Returns the index of one of the candidates. There is at least one, and they stand in the order in which they
  /// became runnable, with a timer that is due at the end. The thread that drives the simulation calls this.
  func choose(from candidates: [Candidate]) -> Int
}

/// Something that can run now: an actor, a part of a task, or the first timer that is due.
package struct Candidate {
  /// What would run, or nil if this is the timer.
  let runnable: Runnable?
  /// How many things had become runnable in this simulation when this one did, itself included. It is 0 for the timer.
  package let number: Int

  /// The path of the actor that would run, or whose suspended handler would go on. For a native actor it is the name
  /// of its executor, and for anything else it is nil.
  package var actor: String? {
    guard let runnable else { return nil }
    if runnable.isCell { return runnable.cell._withUnsafeGuaranteedRef { $0.path } }
    switch runnable.task {
    case .loop(let loop), .yieldedLoop(let loop):
      return loop._withUnsafeGuaranteedRef { loop in
        loop.cell?._withUnsafeGuaranteedRef { $0.path } ?? loop.name.map { "executor \($0)" }
      }
    case .job, .yieldedJob: return nil
    }
  }
}

/// Chooses each candidate with the same probability, by a generator with a seed.
package final class UniformChooser: Chooser {
  private var random: SplitMix
  package init(seed: UInt64) { random = SplitMix(seed: seed) }
  package func choose(from candidates: [Candidate]) -> Int { random.below(candidates.count) }
}
