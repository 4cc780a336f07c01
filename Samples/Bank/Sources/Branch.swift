import Troupe

/// Keeps the ledger of its accounts, and supervises them: one that fails starts again with what the ledger says.
struct Branch: Behavior {
  enum Message: ~Copyable {
    case accounts(Reply<[Address<Account.Message>]>)
    case record(Posting, account: Int)
    case statement(account: Int, Reply<[Posting]>)
  }

  private let numbers: Range<Int>
  private let options: Options
  private let tally: Tally
  private var accounts: [Address<Account.Message>] = []
  private var ledger: [Int: [Posting]] = [:]

  /// An account fails by chance, and its next message is another one, so it is restarted however often it fails.
  private static let supervision = Supervision { _, _ in .restart(after: .milliseconds(1)) }

  init(of numbers: Range<Int>, _ options: Options, _ tally: Tally) {
    self.numbers = numbers
    self.options = options
    self.tally = tally
  }

  mutating func started(in context: Context<Message>) {
    accounts = numbers.map { [branch = context.address, options, tally] number in
      ledger[number] = [Account.opening]
      return context.spawn("account-\(number)", options: SpawnOptions(supervision: Self.supervision)) {
        Account(number, of: branch, options, tally)
      }
    }
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .accounts(let reply): reply.send(accounts)
    case .record(let posting, let account): ledger[account]?.append(posting)
    case .statement(let account, let reply): reply.send(ledger[account] ?? [])
    }
  }
}
