/// Classes of bytes in the grammar of RFC 9110.
extension UInt8 {
  /// Whether a method or the name of a field may have this byte: the characters of a token.
  @inline(__always) var isToken: Bool {
    if self >= 128 { return false }
    // One bit for each of the 128 characters.
    let bits: UInt64 = self < 64 ? 0x3ff_6cfa_0000_0000 : 0x57ff_ffff_c7ff_fffe
    return bits >> UInt64(self & 63) & 1 != 0
  }

  /// Whether the value of a field may have this byte: everything but control characters, among which a tab is allowed.
  @inline(__always) var isFieldValue: Bool { self >= 0x20 && self != 0x7f || self == 0x09 }

  /// Whether this is a space or a tab.
  @inline(__always) var isBlank: Bool { self == 0x20 || self == 0x09 }

  /// Whether this is a decimal digit.
  @inline(__always) var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }

  /// The value of a hexadecimal digit; nil for any other byte.
  var hexadecimal: Int? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(self - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(self - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(self - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  /// The same letter in lower case; any other byte stays as it is.
  @inline(__always) var lowercased: UInt8 { self &- UInt8(ascii: "A") < 26 ? self | 0x20 : self }
}

extension UnsafeRawBufferPointer {
  /// Whether these bytes are this text, which must be written in lower case; letters are compared without their case.
  func isLowercased(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index].lowercased != text.utf8Start[index] { return false }
    return true
  }

  /// A part of these bytes.
  @inline(__always) func part(_ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: self[start..<end])
  }

  /// The same without the blanks at both ends.
  var trimmed: UnsafeRawBufferPointer {
    var (start, end) = (0, count)
    while start < end && self[start].isBlank { start += 1 }
    while end > start && self[end - 1].isBlank { end -= 1 }
    return part(start, end)
  }

  /// Calls `body` with each element of a list with commas, without the blanks around it. Empty elements are left out.
  func forEachListElement(_ body: (UnsafeRawBufferPointer) -> Void) {
    var start = 0
    while start <= count {
      let end = self[start...].firstIndex(of: UInt8(ascii: ",")) ?? count
      let element = part(start, end).trimmed
      if !element.isEmpty { body(element) }
      start = end + 1
    }
  }
}

extension Sequence<UInt8> {
  /// The text behind a percent encoding; a `+` stands for a space if `isForm`. Nil if a `%` is not followed by two
  /// hexadecimal digits, if the result is no UTF-8, or if it has a zero byte.
  func percentDecoded(isForm: Bool = false) -> String? {
    var decoded: [UInt8] = []
    var iterator = makeIterator()
    while let byte = iterator.next() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = iterator.next()?.hexadecimal, let low = iterator.next()?.hexadecimal else { return nil }
        decoded.append(UInt8(high << 4 | low))
      case UInt8(ascii: "+") where isForm: decoded.append(UInt8(ascii: " "))
      default: decoded.append(byte)
      }
    }
    return decoded.contains(0) ? nil : String(validating: decoded, as: UTF8.self)
  }
}
