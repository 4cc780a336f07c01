/// What a `--seed` starts: a generator of the same numbers each time (SplitMix64; Steele, Lea, Flood: Fast splittable pseudorandom
/// number generators, 2014).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64 = 0

  /// The generator of these numbers: the seed, and what tells one use of it from another.
  public init(_ seeds: Int...) {
    for seed in seeds { state = next() ^ UInt64(bitPattern: Int64(seed)) }
  }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
