import Foundation

/// Reads numbers as Redis does: no spaces, no plus sign, no leading zeros.
enum Number {
  /// The integer that the bytes spell, or nil if they spell none that fits.
  static func integer(_ bytes: Bytes) -> Int? {
    guard !bytes.isEmpty, bytes.count <= 20 else { return nil }
    let isNegative = bytes[0] == UInt8(ascii: "-")
    let digits = bytes[(isNegative ? 1 : 0)...]
    guard let first = digits.first else { return nil }
    if first == UInt8(ascii: "0") { return digits.count == 1 && !isNegative ? 0 : nil }
    var value = 0
    for byte in digits {
      let digit = byte &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
      // Counted downwards, since there is one more negative number than there are positive ones.
      let (difference, tooSmall) = product.subtractingReportingOverflow(Int(digit))
      if tooLarge || tooSmall { return nil }
      value = difference
    }
    if isNegative { return value }
    return value == .min ? nil : -value
  }

  /// The number with a fraction that the bytes spell, or nil if they spell none.
  static func fraction(_ bytes: Bytes) -> Double? {
    guard !bytes.isEmpty, bytes.count <= 256, !isspace(bytes[0]) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    let value = text.withCString { start -> Double? in
      var end: UnsafeMutablePointer<CChar>?
      let value = strtod(start, &end)
      return end == UnsafeMutablePointer(mutating: start) + text.utf8.count ? value : nil
    }
    guard let value, !value.isNaN else { return nil }
    return value
  }

  private static func isspace(_ byte: UInt8) -> Bool { byte == 32 || byte >= 9 && byte <= 13 }

  /// A number with a fraction as text: at most 17 digits after the point, and no zeros at the end.
  static func text(_ value: Double) -> [UInt8] {
    if value == value.rounded(), abs(value) < 1e15 { return Array(String(Int(value)).utf8) }
    var text = "\(value)"
    if text.contains("e") { text = String(format: "%.17g", value) }
    return Array(text.utf8)
  }
}
