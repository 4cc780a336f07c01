/// SplitMix64 (Steele, Lea and Flood, 2014): the same seed, the same numbers, on every machine.
package struct SplitMix: RandomNumberGenerator, Sendable {
  private var state: UInt64
  package static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= Self.step
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// From 0 up to `bound`. The standard library's way to do this may change from version to version.
  package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
