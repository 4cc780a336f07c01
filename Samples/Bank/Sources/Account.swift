import Troupe

/// Holds money. Everything that it knows is also in the ledger of its branch, from which it starts again after a
/// failure.
struct Account: AsyncBehavior {
  enum Message: ~Copyable {
    case post(ServiceRequest<Posting, Answer>)
    case balance(Reply<Int>)
  }

  static let opening = Posting(.opening, of: 0, amount: 1000)
  static let ceiling = 2000

  private let number: Int
  private let branch: Address<Branch.Message>
  private let options: Options
  private let tally: Tally
  private var mishaps: Mishaps
  private var balance = 0
  private var posted: Set<Posting.ID> = []

  init(_ number: Int, of branch: Address<Branch.Message>, _ options: Options, _ tally: Tally) {
    self.number = number
    self.branch = branch
    self.options = options
    self.tally = tally
    mishaps = Mishaps(options, account: number, incarnation: 0)
  }

  mutating func started(in context: Context<Message>) async throws {
    // Each incarnation draws its own mishaps: with the same ones it would fail at the same place for ever.
    mishaps = Mishaps(options, account: number, incarnation: context.incarnation)
    tally.messages.add()
    // What the last incarnation recorded was sent before this question, so it is in the answer.
    let number = number
    for posting in try await branch.ask({ .statement(account: number, $0) }) { apply(posting) }
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) async throws {
    switch consume message {
    case .balance(let reply): reply.send(balance)
    case .post(let question):
      let posting = question.request
      if posted.contains(posting.id) { return question.answer(.posted) }
      guard isPossible(posting) else { return question.answer(.refused) }
      let mishap = mishaps.next()
      if mishap == .failureBefore { throw Mishaps.Failure() }
      tally.messages.add()
      branch.send(.record(posting, account: number))
      apply(posting)
      if mishap == .failureAfter { throw Mishaps.Failure() }
      if mishap == .delay { try await Task.sleep(for: Teller.patience * 2) }
      question.answer(.posted)
    }
  }

  /// Whether whoever asked has given up and asked again meanwhile, so that this message need not be handled.
  static func isStale(_ message: borrowing Message) -> Bool {
    switch message {
    case .post(let question): question.reply.isAbandoned
    case .balance: false
    }
  }

  private func isPossible(_ posting: Posting) -> Bool {
    switch posting.id.kind {
    case .withdrawal: balance >= posting.amount
    case .deposit: balance + posting.amount <= Self.ceiling
    case .opening, .refund: true
    }
  }

  private mutating func apply(_ posting: Posting) {
    balance += posting.change
    posted.insert(posting.id)
  }
}
