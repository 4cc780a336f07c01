/// A step of a shutdown. The tasks that `ActorSystem.onShutdown` added for it run in it.
public struct ShutdownPhase: Sendable, Hashable {
  /// The name of the phase, which must be the only one of its name in a system.
  public let name: String
  /// How long the phase may take. What is not done then is cancelled, and the next phase begins. Nil means as long as
  /// the whole shutdown may take.
  public let deadline: Duration?

  /// Makes a phase of your own, for `ActorSystem.Options.shutdownPhases`.
  public init(_ name: String, deadline: Duration? = .seconds(5)) {
    self.name = name
    self.deadline = deadline
  }

  /// Takes no more work from outside: close listening sockets, leave the load balancer. It may take 5 seconds.
  public static let unbind = ShutdownPhase("unbind")
  /// Lets what is under way come to its end. It may take 10 seconds.
  public static let finish = ShutdownPhase("finish", deadline: .seconds(10))
  /// Stops the actors, children before parents, after the tasks of this phase are done.
  public static let actors = ShutdownPhase("actors", deadline: nil)
  /// Releases what the actors used: connections, files. It may take 5 seconds.
  public static let release = ShutdownPhase("release")

  /// The phases of a system unless its options say otherwise, in their order.
  public static let standard: [ShutdownPhase] = [.unbind, .finish, .actors, .release]
}

/// What a shutdown did; `ActorSystem.shutdown` returns it.
public struct ShutdownReport: Sendable, CustomStringConvertible {
  /// What became of one task of a phase.
  public struct Task: Sendable {
    /// How a task ended.
    public enum Outcome: Sendable {
      /// The task returned.
      case finished
      /// The task threw this error.
      case failed(any Error)
      /// The task was not done at its deadline and was cancelled, or its phase was left out because the whole shutdown
      /// was late.
      case late
    }
    /// The name of the phase.
    public let phase: String
    /// The name that was given to `onShutdown`.
    public let name: String
    /// How the task ended.
    public let outcome: Outcome
  }

  /// The number of messages that were handled since the shutdown began.
  public let drained: Int
  /// The number of messages that were queued and became dead letters.
  public let dropped: Int
  /// The paths of actors that had not ended at the deadline, because a handler was still running.
  public let stuck: [String]
  /// The tasks of the phases, in the order in which the phases ran.
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
