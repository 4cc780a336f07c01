/// The random generator that a `--seed` starts, which gives the same numbers each time (SplitMix64; Steele, Lea,
/// Flood: Fast splittable pseudorandom number generators, 2014).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64 = 0

  /// Makes a generator from numbers: the seed, and others that tell one use of the seed from another.
  public init(_ seeds: Int...) {
    for seed in seeds { state = next() ^ UInt64(bitPattern: Int64(seed)) }
  }

  /// Returns the next random number.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
