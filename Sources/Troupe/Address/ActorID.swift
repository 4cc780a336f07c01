/// Which actor: the same for every address that leads to it, adapters included, for all its incarnations, and for its `Termination`.
///
/// No other actor ever has it, also not one that takes over the path. It keeps the memory of the actor, as an address does,
/// and not the actor.
public struct ActorID: Hashable, Sendable, CustomStringConvertible {
  private let cell: Cell

  init(_ cell: Cell) { self.cell = cell }

  /// Whether both are the same actor.
  public static func == (a: ActorID, b: ActorID) -> Bool { a.cell === b.cell }
  /// Hashes the identity of the actor.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(cell)) }
  /// The path.
  public var description: String { cell.path }
}
