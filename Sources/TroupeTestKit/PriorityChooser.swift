import Troupe

/// Always chooses the candidate with the highest priority. Priorities are random, and at a few random steps the
/// candidate that would run falls below all others.
///
/// S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of
/// Finding Bugs, ASPLOS 2010. With n actors and k steps, a bug that needs d ordering constraints is found with a
/// probability of at least 1/(n·k^(d-1)) in a run with d-1 changes. Actors take the place of threads here; a
/// candidate that is not an actor gets a priority each time it becomes runnable.
final class PriorityChooser: Chooser {
  private var random: SplitMix
  private var actors: [String: UInt64] = [:]
  private var others: [Int: UInt64] = [:]
  private var changes: Set<Int>
  private var step = 0
  /// A priority below all that have been given out.
  private var lowest: UInt64

  init(seed: UInt64, changes: Int, steps: Int) {
    var random = SplitMix(seed: seed)
    self.changes = Set((0..<changes).map { _ in 1 + random.below(max(1, steps)) })
    self.random = random
    lowest = UInt64(changes) + 1
  }

  func choose(from candidates: [Candidate]) -> Int {
    step += 1
    let actors = candidates.map { $0.actor }
    var best = highest(candidates, actors)
    if changes.contains(step) {
      lowest -= 1
      if let actor = actors[best] { self.actors[actor] = lowest } else { others[candidates[best].number] = lowest }
      best = highest(candidates, actors)
    }
    return best
  }

  private func highest(_ candidates: [Candidate], _ actors: [String?]) -> Int {
    var best = 0
    var bestPriority: UInt64 = 0
    for index in candidates.indices {
      let priority = priority(candidates[index], actors[index])
      if priority > bestPriority { (best, bestPriority) = (index, priority) }
    }
    return best
  }

  private func priority(_ candidate: Candidate, _ actor: String?) -> UInt64 {
    if let actor {
      if let priority = actors[actor] { return priority }
      actors[actor] = random.next() | 1 << 32
      return actors[actor]!
    }
    // The timer is asked for again and again, and is another one each time it has fired, so all timers share one
    // priority.
    if let priority = others[candidate.number] { return priority }
    others[candidate.number] = random.next() | 1 << 32
    return others[candidate.number]!
  }
}

extension Simulation.Strategy {
  /// Chooses by random priorities that change `changes` times in a run of about `steps` steps. Use it to look for
  /// bugs that need few but unlikely switches. (The algorithm is PCT: Burckhardt and others, ASPLOS 2010.)
  public static func priorities(changes: Int = 3, steps: Int = 1000) -> Simulation.Strategy {
    Simulation.Strategy(kind: .priorities(changes: max(0, changes), steps: max(1, steps)))
  }
}
