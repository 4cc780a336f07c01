/// Money that comes to an account, or leaves it.
struct Posting: Sendable {
  enum Kind: Sendable {
    case opening, withdrawal, deposit
    /// The money of a withdrawal whose deposit was refused comes back.
    case refund
  }

  /// Identifies the posting when it comes again.
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

  /// What the posting adds to the balance.
  var change: Int { id.kind == .withdrawal ? -amount : amount }
}

/// What an account answers to a posting.
enum Answer: Sendable {
  /// The posting is in the ledger, either from now on or since it came for the first time.
  case posted
  /// The account has too little money for the posting, or already too much.
  case refused
}
