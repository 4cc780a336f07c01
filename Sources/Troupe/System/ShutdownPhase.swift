/// A step of a shutdown, with the tasks that `ActorSystem.onShutdown` gave it.
public struct ShutdownPhase: Sendable, Hashable {
  /// What it is known by.
  public let name: String
  /// How long it may take; then what is not done is cancelled, and the next phase begins. Nil: as long as the whole shutdown may.
  public let deadline: Duration?

  /// A phase of your own, for `ActorSystem.Options.shutdownPhases`.
  public init(_ name: String, deadline: Duration? = .seconds(5)) {
    self.name = name
    self.deadline = deadline
  }

  /// Take no more work from outside: close listening sockets, leave the load balancer. 5 s.
  public static let unbind = ShutdownPhase("unbind")
  /// Let what is under way come to its end. 10 s.
  public static let finish = ShutdownPhase("finish", deadline: .seconds(10))
  /// The actors stop, children before parents, after the tasks of this phase.
  public static let actors = ShutdownPhase("actors", deadline: nil)
  /// Let go of what actors used: connections, files. 5 s.
  public static let release = ShutdownPhase("release")

  /// The ones that a system has unless its options say otherwise, in their order.
  public static let standard: [ShutdownPhase] = [.unbind, .finish, .actors, .release]
}

/// What a shutdown did.
public struct ShutdownReport: Sendable, CustomStringConvertible {
  /// What became of a task of a phase.
  public struct Task: Sendable {
    /// How it ended.
    public enum Outcome: Sendable {
      /// It returned.
      case finished
      /// It threw.
      case failed(any Error)
      /// It was not done at its deadline, and has been cancelled; or its phase was left out, since the whole shutdown was late.
      case late
    }
    /// Of which phase.
    public let phase: String
    /// As it was called in `onShutdown`.
    public let name: String
    /// How it ended.
    public let outcome: Outcome
  }

  /// Messages that were handled since the shutdown began.
  public let drained: Int
  /// Messages that were queued and not handled.
  public let dropped: Int
  /// Paths of actors that had not ended at the deadline: a handler is still running.
  public let stuck: [String]
  /// The tasks of the phases, in the order in which those ran.
  public let tasks: [Task]

  /// One line for a log.
  public var description: String {
    var parts = ["shutdown: \(drained) messages handled, \(dropped) dropped"]
    if !stuck.isEmpty { parts.append("still running: \(stuck.joined(separator: ", "))") }
    for task in tasks {
      switch task.outcome {
      case .finished: break
      case .failed(let error): parts.append("\(task.name) (\(task.phase)) failed: \(error)")
      case .late: parts.append("\(task.name) (\(task.phase)) was not done in time")
      }
    }
    return parts.joined(separator: "; ")
  }
}
