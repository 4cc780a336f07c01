/// Money that comes to an account, or leaves it.
struct Posting: Sendable {
  enum Kind: Sendable {
    case opening, withdrawal, deposit
    /// Of a withdrawal whose deposit was refused.
    case refund
  }

  /// What it is known by when it comes again.
  struct ID: Hashable, Sendable {
    let transfer: Int
    let kind: Kind
  }

  let id: ID
  let amount: Int

  init(_ kind: Kind, of transfer: Int, amount: Int) {
    id = ID(transfer: transfer, kind: kind)
    self.amount = amount
  }

  /// What it adds to the balance.
  var change: Int { id.kind == .withdrawal ? -amount : amount }
}

/// What an account says to a posting.
enum Answer: Sendable {
  /// It is in the ledger: now, or since it came for the first time.
  case posted
  /// There is too little money for it, or already too much.
  case refused
}
