/// Turns the bytes of a connection into frames, and frames into bytes.
///
/// A codec is a value. Each connection has a copy of its own for what comes in, so `decode` may keep notes
/// from one call to the next, for instance how far it has looked already.
///
/// ```swift
/// struct Temperatures: Codec {
///   mutating func decode(_ input: inout InputBuffer) -> Int16? {
///     guard let value = input.integer(as: Int16.self) else { return nil }
///     input.skip(2)
///     return value
///   }
///   func encode(_ frame: consuming Int16, into output: inout OutputBuffer) { output.append(integer: frame) }
/// }
/// ```
public protocol Codec: Sendable {
  /// The type of the frames that come in.
  associatedtype Inbound
  /// The type of the frames that go out, which may be another one: requests come in, and answers go out.
  associatedtype Outbound = Inbound

  /// Takes the bytes of one frame from the front of the input and returns the frame. Returns nil, and takes nothing, if
  /// the frame is not complete; then it is called again when more bytes have come.
  ///
  /// It is called in the turn of the connection's actor, so it must not block. If it throws, the connection is closed,
  /// and its actor is told the error. A codec has to throw when a frame is longer than it allows
  /// (`CodecError.frameTooLong`), since the input grows for as long as it returns nil.
  mutating func decode(_ input: inout InputBuffer) throws -> Inbound?

  /// Puts the bytes of a frame at the end of the output. It is called by whoever writes to the connection, and must not
  /// block.
  func encode(_ frame: consuming Outbound, into output: inout OutputBuffer)
}

/// Why bytes that came in are no frame. A connection is closed because of it.
public enum CodecError: Error, Hashable, CustomStringConvertible {
  /// The frame is longer than the limit of the codec, in bytes.
  case frameTooLong(limit: Int)
  /// The bytes do not follow the protocol; the text says where.
  case malformed(String)

  /// The error as one line for a log.
  public var description: String {
    switch self {
    case .frameTooLong(let limit): "the peer sent a frame of more than \(limit) bytes"
    case .malformed(let reason): "the peer sent bytes that do not follow the protocol: \(reason)"
    }
  }
}
