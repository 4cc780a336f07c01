/// How an actor's life ended. A watcher gets it in a signal, and `Address.termination` returns it.
public struct Termination: Sendable, CustomStringConvertible {
  /// Why an actor ended.
  public enum Reason: Sendable {
    /// The actor stopped itself, or was told to stop.
    case stopped
    /// An actor that this one was linked to has ended.
    case linked
    /// Nobody had an address of the actor any more: see `Lifetime.whileReferenced`.
    case unreferenced
    /// A handler, a hook or the factory threw this, and the actor's supervision did not start it again.
    case failed(ActorFailure)
    /// The actor's parent stopped.
    case parentStopped
    /// The system was shut down.
    case systemStopped
    /// The actor never lived, because a living sibling has its name.
    case nameTaken
  }

  /// Why the actor ended.
  public let reason: Reason
  /// The path of the actor.
  public var path: String { cell.path }

  /// The identity of the actor.
  public var actor: ActorID { ActorID(cell) }

  private let cell: Cell

  init(reason: Reason, cell: Cell) {
    self.reason = reason
    self.cell = cell
  }

  /// Whether this is the end of the actor that the address leads to.
  public func isOf<Message: ~Copyable>(_ address: Address<Message>) -> Bool { address.target.cell === cell }

  /// Says in one line for a log which actor has ended, and why.
  public var description: String {
    switch reason {
    case .stopped: "\(path) stopped"
    case .unreferenced: "\(path) stopped because nobody had its address any more"
    case .linked: "\(path) stopped because an actor that it was linked to did"
    case .failed(let failure): "\(path) failed: \(failure)"
    case .parentStopped: "\(path) stopped because its parent did"
    case .systemStopped: "\(path) stopped because the system did"
    case .nameTaken: "\(path) was not started, because a living actor has that name"
    }
  }
}

/// Those who want to hear of the end of an actor: tasks, each at a parker of its own, and actors. It also holds what
/// the actor's children escalate to it, and its meter. It is touched under the cell's lock.
@usableFromInline final class EndListeners {
  /// A task that waits for the end.
  final class Waiter: Sendable { let parker = Parker() }
  var waiting: [Waiter] = []
  /// The watches of other actors on this one, by their identity.
  var watches: [ObjectIdentifier: Watch] = [:]
  /// How many watches have been entered so far. Their order follows from it, so that a simulation does not depend on
  /// the order of a dictionary.
  var entered = 0
  /// A failure that a child has escalated, until the actor's worker takes it.
  var escalated: FailureBox?
  var meter: ActorMeter?
}

/// The name of a message type with the types that it is nested in, such as `Account.Message`, and without its module.
@usableFromInline package func typeName<T: ~Copyable>(_ type: T.Type) -> String {
  typeName(at: unsafeBitCast(type, to: UnsafeRawPointer.self))
}

/// The name of the type whose metatype has these bits; see `typeName(_:)`.
package func typeName(at type: UnsafeRawPointer) -> String {
  let name = _typeName(unsafeBitCast(type, to: Any.Type.self), qualified: true)
  guard let dot = name.firstIndex(of: ".") else { return name }
  return String(name[name.index(after: dot)...])
}
