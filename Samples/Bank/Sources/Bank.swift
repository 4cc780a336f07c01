import Foundation
import Troupe

// The actors are tellers → accounts → branches, and the branches keep the ledger.
//
// A branch starts its accounts, and starts them again when they fail. A branch or a teller fails only by a mistake in
// this program; then the actor ends, and the run ends with it.

/// Makes all transfers, or those that can be made before Ctrl-C, and checks that all is well.
func runBank(_ options: Options, _ tally: Tally) async throws -> Audit {
  var setup = ActorSystem.Options(supervision: .stop)
  if !options.isLogging { setup.log = { _ in } }
  let system = ActorSystem("bank", options: setup)

  let branches = stride(from: 0, to: options.accounts, by: accountsPerBranch).map { first in
    let numbers = first..<min(first + accountsPerBranch, options.accounts)
    return system.spawn("branch-\(first / accountsPerBranch)") { Branch(of: numbers, options, tally) }
  }
  var accounts: [Address<Account.Message>] = []
  for branch in branches {
    tally.messages.add()
    accounts += try await branch.ask { .accounts($0) }
  }

  let tellers = (0..<tellerCount).map { [accounts] number in
    let share = stride(from: number, to: options.transfers, by: tellerCount)
    return system.spawn("teller-\(number)") { Teller(making: share, between: accounts, options, tally) }
  }
  let interruption = drainOnInterrupt(tellers, in: system)
  defer { interruption.cancel() }
  for teller in tellers {
    tally.messages.add()
    teller.send(.next)
  }
  for teller in tellers {
    if case .failed(let failure) = await teller.termination.reason { throw failure }
  }

  var (closing, wrongAccounts) = (0, 0)
  for (number, account) in accounts.enumerated() {
    tally.messages.add(2)
    let balance = try await account.ask { .balance($0) }
    let statement = try await branches[number / accountsPerBranch].ask { .statement(account: number, $0) }
    closing += balance
    if balance != statement.reduce(0, { $0 + $1.change }) { wrongAccounts += 1 }
  }
  await system.shutdown()
  return Audit(
    opening: options.accounts * Account.opening.amount, closing: closing, wrongAccounts: wrongAccounts,
    sent: tally.messages.value, counts: system.counts)
}

private let accountsPerBranch = 100
private let tellerCount = 64

/// Lets the tellers finish the transfer in hand at the first Ctrl-C. A second one ends the program.
private func drainOnInterrupt(_ tellers: [Address<Teller.Message>], in system: ActorSystem) -> any DispatchSourceSignal
{
  signal(SIGINT, SIG_IGN)
  let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
  source.setEventHandler {
    for teller in tellers { system.stop(teller, .drain) }
    signal(SIGINT, SIG_DFL)
  }
  source.resume()
  return source
}
