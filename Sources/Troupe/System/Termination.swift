/// How an actor's life ended.
public struct Termination: Sendable, CustomStringConvertible {
  /// Why it ended.
  public enum Reason: Sendable {
    /// It stopped itself, or was told to stop.
    case stopped
    /// An actor that it was linked to has ended.
    case linked
    /// Nobody had an address of it any more: see `Lifetime.whileReferenced`.
    case unreferenced
    /// A handler, a hook or the factory threw, and its supervision did not start it again.
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

  /// Which actor it was.
  public var actor: ActorID { ActorID(cell) }

  private let cell: Cell

  init(reason: Reason, cell: Cell) {
    self.reason = reason
    self.cell = cell
  }

  /// Whether this is the end of that actor.
  public func isOf<Message: ~Copyable>(_ address: Address<Message>) -> Bool { address.target.cell === cell }

  /// One line for a log.
  public var description: String {
    switch reason {
    case .stopped: "\(path) stopped"
    case .unreferenced: "\(path) stopped because nobody had its address any more"
    case .linked: "\(path) stopped because an actor that it was linked to did"
    case .failed(let failure): "\(path) failed: \(failure)"
    case .parentStopped: "\(path) stopped because its parent did"
    case .systemStopped: "\(path) stopped because the system did"
    case .nameTaken: "\(path) was not started: a living actor has that name"
    }
  }
}

/// Who wants to hear of the end of an actor: tasks, each at a parker of its own, and actors. And what its children tell it. Under the
/// cell's lock.
@usableFromInline final class EndListeners {
  final class Waiter: Sendable { let parker = Parker() }
  var waiting: [Waiter] = []
  var watches: [ObjectIdentifier: Watch] = [:]
  var entered = 0
  var escalated: FailureBox?
  var meter: ActorMeter?
}

/// The name of a message type with what it is nested in, `Account.Message`, and without its module.
@usableFromInline package func typeName<T: ~Copyable>(_ type: T.Type) -> String {
  typeName(at: unsafeBitCast(type, to: UnsafeRawPointer.self))
}

/// The same from the bits of the type.
package func typeName(at type: UnsafeRawPointer) -> String {
  let name = _typeName(unsafeBitCast(type, to: Any.Type.self), qualified: true)
  guard let dot = name.firstIndex(of: ".") else { return name }
  return String(name[name.index(after: dot)...])
}
