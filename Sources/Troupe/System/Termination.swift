/// How an actor's life ended.
public struct Termination: Sendable, CustomStringConvertible {
  /// Why it ended.
  public enum Reason: Sendable {
    /// It stopped itself, or was told to stop.
    case stopped
    /// A handler, a hook or the factory threw.
    case failed(ActorFailure)
    /// Its parent stopped.
    case parentStopped
    /// The system was shut down.
    case systemStopped
    /// It never lived: a living sibling has the name.
    case nameTaken
  }

  /// Why it ended.
  public let reason: Reason
  /// The path of the actor.
  public var path: String { cell.path }

  private let cell: Cell

  init(reason: Reason, cell: Cell) {
    self.reason = reason
    self.cell = cell
  }

  /// One line for a log.
  public var description: String {
    switch reason {
    case .stopped: "\(path) stopped"
    case .failed(let failure): "\(path) failed: \(failure)"
    case .parentStopped: "\(path) stopped because its parent did"
    case .systemStopped: "\(path) stopped because the system did"
    case .nameTaken: "\(path) was not started: a living actor has that name"
    }
  }
}

/// An error that a handler, a hook or a factory threw, and where.
public struct ActorFailure: Error, Sendable, CustomStringConvertible {
  /// What was thrown.
  public let error: any Error
  /// The type of the message in hand; nil in a factory or a hook.
  public let messageType: String?
  /// The path of the actor.
  public let path: String
  /// The first life of an actor is 1.
  public let incarnation: Int

  /// One line for a log.
  public var description: String {
    "\(error) in \(path) (incarnation \(incarnation))"
      + (messageType.map { ", handling a \($0)" } ?? ", starting or stopping")
  }
}

/// Tasks that wait for the end of an actor, each at a parker of its own.
final class TerminationWaiters {
  final class Waiter: Sendable { let parker = Parker() }
  var waiting: [Waiter] = []
}

/// The name of a message type with what it is nested in, `Account.Message`, and without its module.
@usableFromInline func typeName<T: ~Copyable>(_ type: T.Type) -> String {
  let name = _typeName(unsafeBitCast(type, to: Any.Type.self), qualified: true)
  guard let dot = name.firstIndex(of: ".") else { return name }
  return String(name[name.index(after: dot)...])
}
