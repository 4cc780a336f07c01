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
  private var random: SplitMix

  init(_ options: Options, account: Int, incarnation: Int) {
    rate = options.mishaps
    random = SplitMix(seeds: options.seed, account, incarnation)
  }

  mutating func next() -> Mishap? {
    guard rate > 0, Int.random(in: 0..<rate, using: &random) == 0 else { return nil }
    return Mishap.allCases.randomElement(using: &random)
  }
}

/// A generator with a seed (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64 = 0

  init(seeds: Int...) {
    for seed in seeds { state = next() ^ UInt64(bitPattern: Int64(seed)) }
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
