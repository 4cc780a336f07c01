import Synchronization
import Troupe

// MARK: restart_zero, restart_counted

extension Actors {
  final class Incarnations: Sendable {
    let count = Atomic(0)
  }
  enum Blow: Sendable {
    case fail
    case report(Sender<Int>)
  }
  /// Fails at every message but the last.
  struct Faulty: Behavior, Sendable {
    let incarnations: Incarnations
    init(_ incarnations: Incarnations) {
      self.incarnations = incarnations
      incarnations.count.add(1, ordering: .relaxed)
    }
    mutating func receive(_ message: consuming Blow, in context: Context<Blow>) throws {
      switch message {
      case .fail: throw Failure(description: "on purpose")
      // Relaxed: the same actor has counted, and what one actor does is in order.
      case .report(let sender): _ = sender.send(incarnations.count.load(ordering: .relaxed))
      }
    }
  }

  /// Makes failures in a row, each answered by a restart at once. The policy counts nothing.
  func restartZero(_ failures: Int) throws -> Measured {
    try restart(failures, Supervision { _, _ in .restart(after: .zero) })
  }

  /// Makes the same failures under the policy that counts failures in a window, up to a limit that is not reached.
  func restartCounted(_ failures: Int) throws -> Measured {
    try restart(failures, .restart(limit: failures + 1, within: .seconds(3600), backoff: .none))
  }

  private func restart(_ failures: Int, _ supervision: Supervision) throws -> Measured {
    let options = SpawnOptions(supervision: supervision)
    let incarnations = Incarnations()
    let result = results { done in
      let faulty =
        if awaited {
          system.spawn(options: options) { Awaited(base: Faulty(incarnations)) }
        } else {
          system.spawn(options: options) { Faulty(incarnations) }
        }
      for _ in 0..<failures { faulty.send(.fail) }
      faulty.send(.report(done))
    }
    try check(result == [failures + 1], "restarts: \(result) incarnations")
    return .operations(failures)
  }
}
