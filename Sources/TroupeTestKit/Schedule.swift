import Troupe

/// The choices of a run that were not first come, first served: at which choice, and which of the candidates was
/// chosen.
///
/// The text `3:1,17:2` means: the second candidate at the third choice, and the third candidate at the seventeenth.
struct Schedule: Sendable, Equatable, CustomStringConvertible {
  struct Deviation: Sendable, Equatable {
    let choice: Int
    let index: Int
  }
  var deviations: [Deviation]

  init(_ deviations: [Deviation] = []) { self.deviations = deviations }

  init?(_ text: String) {
    var deviations: [Deviation] = []
    for part in text.split(separator: ",") {
      let numbers = part.split(separator: ":").compactMap { Int($0) }
      guard numbers.count == 2 else { return nil }
      deviations.append(Deviation(choice: numbers[0], index: numbers[1]))
    }
    self.init(deviations.sorted { $0.choice < $1.choice })
  }

  var description: String { deviations.map { "\($0.choice):\($0.index)" }.joined(separator: ",") }
}

/// Records what another chooser chooses.
final class ChoiceLog: Chooser {
  private let base: any Chooser
  private(set) var schedule = Schedule()
  /// How often there was a choice.
  private(set) var count = 0

  init(_ base: any Chooser) { self.base = base }

  func choose(from candidates: [Candidate]) -> Int {
    let index = base.choose(from: candidates)
    if candidates.count > 1 {
      count += 1
      if index > 0 { schedule.deviations.append(Schedule.Deviation(choice: count, index: index)) }
    }
    return index
  }
}

/// Follows a schedule. Where the schedule does not fit, because the run has taken another way, this takes the nearest
/// candidate.
final class ScheduledChooser: Chooser {
  private let deviations: [Schedule.Deviation]
  private var next = 0
  private var count = 0

  init(_ schedule: Schedule) { deviations = schedule.deviations }

  func choose(from candidates: [Candidate]) -> Int {
    guard candidates.count > 1 else { return 0 }
    count += 1
    guard next < deviations.count, deviations[next].choice == count else { return 0 }
    next += 1
    return min(deviations[next - 1].index, candidates.count - 1)
  }
}
