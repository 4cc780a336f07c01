import Foundation

/// The hash of keys, fields and members: cheap for the short ones that they mostly are.
///
/// It multiplies eight bytes at a time into 128 bits and folds them, as wyhash does. Its seed is another one in each
/// process, so that a client cannot choose keys that collide.
enum ByteHash {
  private static let seed = UInt64.random(in: .min ... .max)
  private static let factor: UInt64 = 0x9e37_79b9_7f4a_7c15

  static func hash(_ bytes: Bytes) -> UInt64 {
    var state = seed ^ UInt64(truncatingIfNeeded: bytes.count)
    var index = 0
    while bytes.count - index >= 8 {
      state = mix(state ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self), factor)
      index += 8
    }
    if index < bytes.count {
      var rest: UInt64 = 0
      while index < bytes.count {
        rest = rest << 8 | UInt64(bytes[index])
        index += 1
      }
      state = mix(state ^ rest, factor)
    }
    return mix(state, seed | 1)
  }

  private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}

/// Whether two pieces hold the same bytes.
func isEqual(_ a: [UInt8], _ b: Bytes) -> Bool {
  guard a.count == b.count else { return false }
  if a.isEmpty { return true }
  return a.withUnsafeBytes { memcmp($0.baseAddress!, b.baseAddress!, b.count) == 0 }
}
