/// What an address points at: an actor's cell, or an adapter in front of one.
@usableFromInline package class Recipient: @unchecked Sendable {
  /// Whether this is a `Cell`: the usual case is one predicted branch.
  @usableFromInline let isCell: Bool

  @usableFromInline init(isCell: Bool) { self.isCell = isCell }

  /// The cell, or the one behind the adapters.
  @usableFromInline var cell: Cell { fatalError("abstract") }
}
