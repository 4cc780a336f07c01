/// An error that a handler, a hook or a factory threw, and where it was thrown.
public struct ActorFailure: Error, Sendable, CustomStringConvertible {
  /// The error that was thrown.
  public let error: any Error
  /// The type of the message in hand; nil in a factory or a hook.
  public let messageType: String?
  /// The path of the actor.
  public let path: String
  /// Which life of the actor failed. The first is 1, and each restart adds one.
  public let incarnation: Int
  /// The time of the failure, on the clock of the system's scheduler.
  public let time: Duration

  /// One line for a log.
  public var description: String {
    // The line is written into one piece of memory, since an actor may fail very often.
    var line = ""
    line.reserveCapacity(path.utf8.count + 120)
    print(error, terminator: "", to: &line)
    line += " in "
    line += path
    line += " (incarnation "
    line += String(incarnation)
    line += messageType == nil ? "), starting or stopping" : "), handling a "
    if let messageType { line += messageType }
    return line
  }
}

/// The error of an actor that fails with a failure of its child, because the child's supervision escalated it.
public struct EscalatedFailure: Error, CustomStringConvertible {
  /// The failure of the child.
  public let failure: ActorFailure
  /// One line for a log.
  public var description: String { "escalated: \(failure)" }
}

@usableFromInline final class FailureBox: Sendable {
  let failure: ActorFailure
  init(_ failure: ActorFailure) { self.failure = failure }
}
