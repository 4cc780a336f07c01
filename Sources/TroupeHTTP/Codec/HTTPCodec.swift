package import TroupeNet

/// What the codec makes of the bytes of a client.
package enum HTTPFrame: Sendable {
  /// A whole head.
  case head(Request)
  /// A part of the body.
  case body([UInt8], isLast: Bool)
  /// A message or a control frame of a WebSocket.
  case webSocket(WebSocketFrame)
}

/// Turns the bytes of a client of HTTP/1.1 into requests and parts of bodies, and after an upgrade into the messages of
/// a WebSocket. It throws an `HTTPError` or a `WebSocketError`, which says what to answer.
package struct HTTPCodec: Codec {
  private enum Place: Sendable {
    case head(HeadParser)
    case body(left: Int)
    case chunked(ChunkParser)
    case webSocket(WebSocketDecoder)
    /// The input was refused, and nothing more is decoded.
    case refused
  }

  /// The longest part of a body that is handed on at once.
  static let longestPart = 64 * 1024

  private var place = Place.head(HeadParser())
  private let limits: HTTPLimits

  /// Makes a codec for a new connection.
  package init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

  /// The codec of a connection that has become a WebSocket.
  package static func webSocket(limits: HTTPLimits = HTTPLimits()) -> HTTPCodec {
    var codec = HTTPCodec(limits: limits)
    codec.place = .webSocket(WebSocketDecoder(limit: limits.webSocketMessage))
    return codec
  }

  /// Takes the next frame.
  package mutating func decode(_ input: inout InputBuffer) throws -> HTTPFrame? {
    if input.isEmpty { return nil }
    switch place {
    case .head(var parser):
      place = .refused
      let limits = limits
      guard let request = try input.withUnsafeBytes({ (bytes) throws(HTTPError) in try parser.parse(bytes, limits) })
      else {
        place = .head(parser)
        return nil
      }
      input.skip(request.headLength)
      if request.notes.isChunked {
        place = .chunked(ChunkParser())
      } else if let length = request.notes.length, length > 0 {
        place = .body(left: length)
      } else {
        place = .head(HeadParser())
      }
      return .head(request)
    case .body(let left):
      let bytes = input.takeBytes(min(left, input.count, Self.longestPart))
      let isLast = bytes.count == left
      place = isLast ? .head(HeadParser()) : .body(left: left - bytes.count)
      return .body(bytes, isLast: isLast)
    case .chunked(var parser):
      place = .refused
      let part = try parser.decode(&input, limits)
      place = part?.isLast == true ? .head(HeadParser()) : .chunked(parser)
      return part.map { .body($0.bytes, isLast: $0.isLast) }
    case .webSocket(var decoder):
      // Nothing else holds the decoder meanwhile, so that the message that it collects is not copied.
      place = .refused
      let frame = try decoder.decode(&input)
      place = .webSocket(decoder)
      return frame.map { .webSocket($0) }
    case .refused:
      input.skip(input.count)
      return nil
    }
  }

  /// Puts bytes into the output that are encoded already.
  package func encode(_ bytes: consuming [UInt8], into output: inout OutputBuffer) {
    output.append(contentsOf: bytes)
  }
}
