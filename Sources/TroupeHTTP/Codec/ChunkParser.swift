import TroupeNet

/// Parses a body in the transfer encoding chunked as its bytes come.
struct ChunkParser: Sendable {
  private enum Place: Sendable {
    case size
    case data(Int)
    /// Behind the data of a chunk.
    case end
    case trailer
  }

  private var place = Place.size
  private var scanned = 0
  private var trailerCount = 0

  /// The longest line that gives the size of a chunk, with its extensions, which are ignored.
  private static let longestLine = 256

  /// Takes a part of the body. Nil if the bytes that have come hold no further part.
  mutating func decode(
    _ input: inout InputBuffer, _ limits: HTTPLimits
  ) throws(HTTPError) -> (bytes: [UInt8], isLast: Bool)? {
    while true {
      switch place {
      case .size:
        guard let end = try line(in: input, limit: Self.longestLine) else { return nil }
        let size = try input.withUnsafeBytes { (bytes) throws(HTTPError) in try Self.size(bytes.part(0, end)) }
        input.skip(end + 2)
        place = size == 0 ? .trailer : .data(size)
      case .data(let left):
        if input.isEmpty { return nil }
        let bytes = input.takeBytes(min(left, input.count, HTTPCodec.longestPart))
        place = bytes.count == left ? .end : .data(left - bytes.count)
        return (bytes, false)
      case .end:
        if !input.isEmpty && input[0] != 0x0d || input.count > 1 && input[1] != 0x0a {
          throw HTTPError(.badRequest, "a chunk is longer than its size")
        }
        if input.count < 2 { return nil }
        input.skip(2)
        place = .size
      case .trailer:
        guard let end = try line(in: input, limit: limits.headers) else { return nil }
        if end == 0 {
          input.skip(2)
          return ([], true)
        }
        trailerCount += end + 2
        if trailerCount > limits.headers { throw HTTPError(Status(431), "the trailer section is too long") }
        try input.withUnsafeBytes { (bytes) throws(HTTPError) in _ = try HeadParser.split(bytes.part(0, end)) }
        input.skip(end + 2)
      }
    }
  }

  /// The length of the first line without its CR and LF; nil if it is not complete.
  private mutating func line(in input: borrowing InputBuffer, limit: Int) throws(HTTPError) -> Int? {
    guard let end = input.firstIndex(of: 0x0a, from: scanned) else {
      if input.count > limit { throw HTTPError(.badRequest, "a line of a chunked body is too long") }
      scanned = input.count
      return nil
    }
    scanned = 0
    guard end > 0 && input[end - 1] == 0x0d else {
      throw HTTPError(.badRequest, "a line of a chunked body does not end with CR and LF")
    }
    if end > limit { throw HTTPError(.badRequest, "a line of a chunked body is too long") }
    return end - 1
  }

  private static func size(_ line: UnsafeRawBufferPointer) throws(HTTPError) -> Int {
    var size = 0
    var index = 0
    while index < line.count, let digit = line[index].hexadecimal {
      // 15 digits do not overflow.
      if index == 15 { throw HTTPError(.contentTooLarge) }
      size = size << 4 | digit
      index += 1
    }
    guard index > 0 && (index == line.count || line[index] == UInt8(ascii: ";")),
      line[index...].allSatisfy(\.isFieldValue)
    else { throw HTTPError(.badRequest, "the size of a chunk is no hexadecimal number") }
    return size
  }
}
