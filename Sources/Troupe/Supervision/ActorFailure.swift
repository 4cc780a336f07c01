/// An error that a handler, a hook or a factory threw, and where.
public struct ActorFailure: Error, Sendable, CustomStringConvertible {
  /// What was thrown.
  public let error: any Error
  /// The type of the message in hand; nil in a factory or a hook.
  public let messageType: String?
  /// The path of the actor.
  public let path: String
  /// The first life of an actor is 1; each restart adds one.
  public let incarnation: Int
  /// When, on the clock of the system's scheduler.
  public let time: Duration

  /// One line for a log.
  public var description: String {
    // In one piece of memory: an actor may fail very often.
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

/// A child's failure that its supervision has passed on to the parent, which fails with it.
public struct EscalatedFailure: Error, CustomStringConvertible {
  /// What happened below.
  public let failure: ActorFailure
  /// One line for a log.
  public var description: String { "escalated: \(failure)" }
}

@usableFromInline final class FailureBox: Sendable {
  let failure: ActorFailure
  init(_ failure: ActorFailure) { self.failure = failure }
}
