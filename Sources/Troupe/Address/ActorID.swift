/// Identifies an actor. Every address that leads to the actor has the same id, adapters included, and so do all of its
/// incarnations and its `Termination`.
///
/// No other actor ever has the same id, not even one that takes over the path. An id keeps the memory of the actor, as
/// an address does, but it does not keep the actor alive.
public struct ActorID: Hashable, Sendable, CustomStringConvertible {
  private let cell: Cell

  init(_ cell: Cell) { self.cell = cell }

  /// Whether both ids are of the same actor.
  public static func == (a: ActorID, b: ActorID) -> Bool { a.cell === b.cell }
  /// Hashes the identity of the actor.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(cell)) }
  /// The path of the actor.
  public var description: String { cell.path }
}
