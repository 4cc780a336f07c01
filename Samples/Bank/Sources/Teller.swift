import SampleOptions
import Troupe

/// Makes transfers, one after the other, until it has made its share or is told to drain.
struct Teller: AsyncBehavior {
  enum Message { case next }

  /// How long the teller waits for an account's answer.
  static let patience = Duration.milliseconds(100)

  private let accounts: [Address<Account.Message>]
  private let options: Options
  private let tally: Tally
  private var transfers: StrideTo<Int>.Iterator

  init(
    making transfers: StrideTo<Int>, between accounts: [Address<Account.Message>], _ options: Options, _ tally: Tally
  ) {
    self.transfers = transfers.makeIterator()
    self.accounts = accounts
    self.options = options
    self.tally = tally
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) async throws {
    guard let transfer = transfers.next() else { return context.stop() }
    var random = SeededGenerator(options.seed, transfer)
    let from = accounts.randomElement(using: &random)!
    var to = from
    while to == from { to = accounts.randomElement(using: &random)! }
    try await make(transfer, of: Int.random(in: 1...500, using: &random), from, to)
    // The next transfer begins with a message, so that the teller can be told to stop between two transfers, and
    // never in the middle of one.
    tally.messages.add()
    context.address.send(.next)
  }

  private func make(
    _ transfer: Int, of amount: Int, _ from: Address<Account.Message>, _ to: Address<Account.Message>
  ) async throws {
    guard try await post(Posting(.withdrawal, of: transfer, amount: amount), at: from) == .posted else {
      return tally.refused.add()
    }
    if try await post(Posting(.deposit, of: transfer, amount: amount), at: to) == .posted {
      return tally.made.add()
    }
    _ = try await post(Posting(.refund, of: transfer, amount: amount), at: from)
    tally.refunded.add()
  }

  /// Asks until there is an answer. After a failure or a timeout nobody knows whether the money has moved. The
  /// account, however, knows the posting when it comes again, and does not post it twice.
  private func post(_ posting: Posting, at account: Address<Account.Message>) async throws(AskError) -> Answer {
    while true {
      tally.messages.add()
      do throws(AskError) {
        return try await account.ask(timeout: Self.patience) { .post(ServiceRequest(posting, $0)) }
      } catch {
        switch error.reason {
        case .failed: tally.failed.add()
        case .timedOut: tally.timedOut.add()
        default: throw error
        }
      }
    }
  }
}
