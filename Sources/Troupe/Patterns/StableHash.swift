/// A key that messages are routed by. Its hash is the same in every run and on every machine, unlike that of Swift's
/// `Hasher`.
public protocol StableHashable: SendableMetatype {
  /// Feeds the hasher with the bytes that tell this value from others.
  func hash(into hasher: inout StableHasher)
}

/// A hash function whose results are the same in every run: FNV-1a with 64 bits (Fowler, Noll and Vo), mixed at the end
/// by MurmurHash3's finalizer (Appleby), since the upper bits of a plain FNV-1a of short keys are poor. It has no
/// secret, so do not use it for keys that an attacker chooses.
public struct StableHasher: Sendable {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  /// Makes a hasher that has been fed nothing.
  public init() {}

  /// Feeds one byte.
  public mutating func combine(byte: UInt8) { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }

  /// Feeds bytes. O(n).
  public mutating func combine(bytes: some Sequence<UInt8>) {
    for byte in bytes { combine(byte: byte) }
  }

  /// Feeds an integer, the lowest byte first, as 64 bits whatever its type.
  public mutating func combine(_ integer: some FixedWidthInteger) {
    let bits = UInt64(truncatingIfNeeded: integer)
    for shift in stride(from: UInt64(0), to: 64, by: 8) { combine(byte: UInt8(truncatingIfNeeded: bits >> shift)) }
  }

  /// The hash of what has been fed so far.
  public var hash: UInt64 {
    var h = state
    h = (h ^ (h >> 33)) &* 0xFF51_AFD7_ED55_8CCD
    h = (h ^ (h >> 33)) &* 0xC4CE_B9FE_1A85_EC53
    return h ^ (h >> 33)
  }

  static func hash(_ value: some StableHashable) -> UInt64 {
    var hasher = StableHasher()
    value.hash(into: &hasher)
    return hasher.hash
  }
}

extension String: StableHashable {
  /// Feeds the string's UTF-8. Strings that are equal and normalized differently have different hashes.
  public func hash(into hasher: inout StableHasher) { hasher.combine(bytes: utf8) }
}
extension Int: StableHashable {
  /// Feeds the value as 64 bits.
  public func hash(into hasher: inout StableHasher) { hasher.combine(self) }
}
extension UInt64: StableHashable {
  /// Feeds the value.
  public func hash(into hasher: inout StableHasher) { hasher.combine(self) }
}
extension Array: StableHashable where Element: StableHashable {
  /// Feeds the elements, then their number.
  public func hash(into hasher: inout StableHasher) {
    for element in self { element.hash(into: &hasher) }
    hasher.combine(count)
  }
}

/// Finds the member that a hash belongs to: the first one clockwise on a ring on which each member has many places. A
/// member that comes or goes moves only the keys that are its own (consistent hashing: Karger et al., STOC 1997).
struct HashRing {
  private var places: [(hash: UInt64, member: Int)] = []

  init() {}

  /// Makes a ring.
  /// - Parameter identities: What each member is known by, the same in every run.
  init(identities: [UInt64], placesEach: Int) {
    places.reserveCapacity(identities.count * placesEach)
    for (member, identity) in identities.enumerated() {
      for place in 0..<placesEach {
        var hasher = StableHasher()
        hasher.combine(identity)
        hasher.combine(place)
        places.append((hasher.hash, member))
      }
    }
    places.sort { ($0.hash, $0.member) < ($1.hash, $1.member) }
  }

  /// The index of the member that the hash belongs to. There must be at least one place. O(log n) in the number of
  /// places.
  func member(for hash: UInt64) -> Int {
    var (low, high) = (0, places.count)
    while low < high {
      let middle = (low + high) / 2
      if places[middle].hash < hash { low = middle + 1 } else { high = middle }
    }
    return places[low == places.count ? 0 : low].member
  }
}

/// SplitMix64 (Steele, Lea and Flood, 2014). The same seed gives the same numbers.
struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
