/// The encoded answers to some commands, one after the other.
///
/// The two versions of the protocol differ where version 3 has a type of its own (nothing, maps, sets, numbers with a
/// fraction, what is pushed); in version 2 that is an array, a string, or a length of -1.
struct Answer {
  private(set) var bytes: [UInt8] = []
  /// Whether the client speaks version 3.
  let isRESP3: Bool

  init(isRESP3: Bool) { self.isRESP3 = isRESP3 }

  var count: Int { bytes.count }

  mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  /// Takes back what was put in after a certain number of bytes.
  mutating func truncate(to count: Int) { bytes.removeLast(bytes.count - count) }

  mutating func ok() { literal("+OK\r\n") }

  mutating func simple(_ text: StaticString) {
    bytes.append(UInt8(ascii: "+"))
    literal(text)
    literal("\r\n")
  }

  mutating func error(_ error: CommandError) {
    bytes.append(UInt8(ascii: "-"))
    // An error is one line.
    bytes.append(contentsOf: error.description.utf8.map { $0 == 10 || $0 == 13 ? UInt8(ascii: " ") : $0 })
    literal("\r\n")
  }

  mutating func integer(_ value: Int) {
    switch value {
    case 0: literal(":0\r\n")
    case 1: literal(":1\r\n")
    default: line(UInt8(ascii: ":"), value)
    }
  }

  mutating func boolean(_ value: Bool) { integer(value ? 1 : 0) }

  mutating func bulk(_ value: [UInt8]) { value.withUnsafeBytes { bulk($0) } }

  mutating func bulk(_ value: Bytes) {
    bytes.reserve(value.count + 32)
    line(UInt8(ascii: "$"), value.count)
    bytes.append(contentsOf: value)
    literal("\r\n")
  }

  mutating func bulk(_ text: String) { bulk(Array(text.utf8)) }

  /// A text of several lines for people to read.
  mutating func text(_ text: String) {
    guard isRESP3 else { return bulk(text) }
    line(UInt8(ascii: "="), text.utf8.count + 4)
    literal("txt:")
    bytes.append(contentsOf: text.utf8)
    literal("\r\n")
  }

  /// The answer "there is no such string".
  mutating func null() { if isRESP3 { literal("_\r\n") } else { literal("$-1\r\n") } }

  /// The answer "there is no such array".
  mutating func nullArray() { if isRESP3 { literal("_\r\n") } else { literal("*-1\r\n") } }

  /// The head of an array; the elements follow.
  mutating func array(_ count: Int) { line(UInt8(ascii: "*"), count) }
  /// The head of a set; the elements follow.
  mutating func set(_ count: Int) { line(UInt8(ascii: isRESP3 ? "~" : "*"), count) }
  /// The head of a map; so many keys and values follow.
  mutating func map(_ count: Int) { if isRESP3 { line(UInt8(ascii: "%"), count) } else { array(2 * count) } }
  /// The head of what comes without having been asked for; the elements follow.
  mutating func push(_ count: Int) { line(UInt8(ascii: isRESP3 ? ">" : "*"), count) }

  /// Puts in what has been encoded already.
  mutating func encoded(_ part: some Collection<UInt8>) { bytes.append(contentsOf: part) }

  private mutating func literal(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func line(_ type: UInt8, _ value: Int) {
    bytes.append(type)
    bytes.append(decimal: value)
    literal("\r\n")
  }
}

extension [UInt8] {
  /// Makes room for so many further bytes, and for more than that, so that this happens seldom.
  mutating func reserve(_ more: Int) {
    if capacity - count < more { reserveCapacity(Swift.max(2 * capacity, count + more)) }
  }

  /// Puts the digits of a number at the end.
  mutating func append(decimal value: Int) {
    if value >= 0 && value < 10 { return append(UInt8(ascii: "0") + UInt8(value)) }
    // A number has at most 19 digits and a sign.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var index = 20
      var rest = value.magnitude
      repeat {
        index -= 1
        digits[index] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      } while rest > 0
      if value < 0 {
        index -= 1
        digits[index] = UInt8(ascii: "-")
      }
      append(contentsOf: UnsafeBufferPointer(rebasing: digits[index...]))
    }
  }
}
