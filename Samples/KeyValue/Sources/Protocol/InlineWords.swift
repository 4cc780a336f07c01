/// Splits a command that a person types into words.
enum InlineWords {
  /// Calls `word` with the place and the length of each word between two offsets. Quotes hold a word together; there
  /// are no escapes within them, because each word must be a piece of the input as it came.
  static func read(
    _ bytes: Bytes, _ range: Range<Int>, _ word: (_ start: Int, _ count: Int) -> Void
  ) throws(ProtocolError) {
    var index = range.lowerBound
    while index < range.upperBound {
      let byte = bytes[index]
      if isSpace(byte) {
        index += 1
        continue
      }
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        guard let close = bytes[index + 1..<range.upperBound].firstIndex(of: byte) else { throw .unbalancedQuotes }
        guard close + 1 == range.upperBound || isSpace(bytes[close + 1]) else { throw .unbalancedQuotes }
        word(index + 1, close - index - 1)
        index = close + 1
      } else {
        let end = bytes[index..<range.upperBound].firstIndex(where: isSpace) ?? range.upperBound
        word(index, end - index)
        index = end
      }
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte >= 9 && byte <= 13 }
}
