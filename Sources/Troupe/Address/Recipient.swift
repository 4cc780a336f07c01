/// What an address points at: an actor's cell, a counted reference to one, or an adapter in front of either.
@usableFromInline package class Recipient: @unchecked Sendable {
  /// Whether this is a `Cell`. It is stored so that the usual case costs one predicted branch.
  @usableFromInline let isCell: Bool
  /// Whether this is a `CountedReference`.
  @usableFromInline let isCountedReference: Bool

  enum Kind { case cell, countedReference, adapter }
  init(_ kind: Kind) {
    isCell = kind == .cell
    isCountedReference = kind == .countedReference
  }

  /// The cell of the actor, behind any handle and any adapters.
  @usableFromInline var cell: Cell { fatalError("Troupe: a subclass must override this.") }
}
