/// The generator SplitMix64 (Steele, Lea and Flood, 2014). The same seed gives the same numbers on every machine, which
/// is what a simulation needs to be repeated.
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

  /// Returns a number from 0 up to `bound`, without `bound` itself. `Int.random(in:using:)` is not used, because what
  /// it makes of the numbers may change from one version of the standard library to the next.
  package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
