import SampleOptions

/// What goes wrong at an account, by chance.
struct Mishaps {
  struct Failure: Error {}

  enum Mishap: CaseIterable {
    /// The handler throws, and nothing has been posted.
    case failureBefore
    /// The handler throws although the posting is in the ledger.
    case failureAfter
    /// The answer comes when nobody waits for it any more.
    case delay
  }

  private let rate: Int
  private var random: SeededGenerator

  init(_ options: Options, account: Int, incarnation: Int) {
    rate = options.mishaps
    random = SeededGenerator(options.seed, account, incarnation)
  }

  mutating func next() -> Mishap? {
    guard rate > 0, Int.random(in: 0..<rate, using: &random) == 0 else { return nil }
    return Mishap.allCases.randomElement(using: &random)
  }
}
