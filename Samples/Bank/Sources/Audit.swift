import Troupe

/// The figures that have to agree when all is done.
struct Audit {
  /// The money of all accounts at the start and at the end.
  let opening: Int
  let closing: Int
  /// How many accounts differ from their ledger.
  let wrongAccounts: Int
  /// How many messages were sent, and what the system says about messages after its shutdown.
  let sent: Int
  let counts: ActorSystem.Counts

  var isBalanced: Bool {
    closing == opening && wrongAccounts == 0 && sent == counts.handled + counts.failed + counts.allDeadLetters
  }

  func report(_ tally: Tally, of transfers: Int) -> String {
    """
    \(tally.transfers) of \(transfers) transfers: \(tally.made.value) made, \(tally.refused.value) refused, \
    \(tally.refunded.value) refunded; \(tally.rate)
    mishaps: \(counts.restarts) restarts, \(tally.timedOut.value) timeouts, \
    \(tally.failed.value + tally.timedOut.value) postings asked for again
    money: \(opening) at the start, \(closing) at the end, \(wrongAccounts) accounts that differ from the ledger
    messages: \(sent) sent, \(counts.handled) handled + \(counts.failed) failed + \
    \(counts.allDeadLetters) dead letters
    """
  }
}
