/// Lines of text that end with a line feed, or with a carriage return and a line feed.
///
/// A line comes in without its end. The last line may lack its end when the peer ends its side. What goes out is ended
/// with `lineEnd`.
public struct LineCodec: Codec {
  /// The longest line that may come in, in bytes, without its end.
  public let limit: Int
  /// What ends the lines that go out.
  public let lineEnd: String
  /// How many bytes of the input hold no line feed.
  private var seen = 0

  /// Makes a codec of lines.
  public init(limit: Int = 64 * 1024, lineEnd: String = "\n") {
    self.limit = limit
    self.lineEnd = lineEnd
  }

  /// Takes one line. Bytes that are no UTF-8 become U+FFFD. O(n) for all bytes of a line, however they are split.
  public mutating func decode(_ input: inout InputBuffer) throws -> String? {
    guard let end = input.firstIndex(of: UInt8(ascii: "\n"), from: seen) else {
      if input.count - 1 > limit { throw CodecError.frameTooLong(limit: limit) }
      seen = input.count
      guard input.isAtEnd && seen > 0 else { return nil }
      seen = 0
      return try take(input.count, from: &input)
    }
    seen = 0
    let hasReturn = end > 0 && input[end - 1] == UInt8(ascii: "\r")
    let line = try take(hasReturn ? end - 1 : end, from: &input)
    input.skip(hasReturn ? 2 : 1)
    return line
  }

  private func take(_ count: Int, from input: inout InputBuffer) throws -> String {
    if count > limit { throw CodecError.frameTooLong(limit: limit) }
    return input.takeString(count)
  }

  /// Puts a line and its end into the output.
  public func encode(_ line: consuming String, into output: inout OutputBuffer) {
    output.append(utf8: line)
    output.append(utf8: lineEnd)
  }
}
