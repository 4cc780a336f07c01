import TroupeNet

/// Takes the frames of RFC 6455 that a client sends, and puts fragments together.
///
/// The bytes of a message are taken as they come, so that the input never has to hold a whole one.
struct WebSocketDecoder: Sendable {
  private struct Header: Sendable {
    var isFinal: Bool
    var opcode: UInt8
    var left: Int
    var mask: UInt32
    var isControl: Bool { opcode >= 8 }
  }

  private enum Opcode {
    static let (continuation, text, binary): (UInt8, UInt8, UInt8) = (0, 1, 2)
    static let (close, ping, pong): (UInt8, UInt8, UInt8) = (8, 9, 10)
  }

  private let limit: Int
  /// The frame whose payload is coming.
  private var header: Header?
  /// The message whose fragments are coming, or whose only frame is.
  private var message: [UInt8] = []
  private var messageOpcode: UInt8?
  private var control: [UInt8] = []

  init(limit: Int) { self.limit = limit }

  /// Takes the next message or control frame. Nil if it is not complete.
  mutating func decode(_ input: inout InputBuffer) throws(WebSocketError) -> WebSocketFrame? {
    while true {
      if header == nil {
        guard let next = try readHeader(&input) else { return nil }
        header = next
      }
      guard takePayload(&input), let finished = header.take() else { return nil }
      if let frame = try finish(finished) { return frame }
    }
  }

  private mutating func readHeader(_ input: inout InputBuffer) throws(WebSocketError) -> Header? {
    guard input.count >= 2 else { return nil }
    let (first, second) = (input[0], input[1])
    let isFinal = first & 0x80 != 0
    let opcode = first & 0x0f
    guard first & 0x70 == 0 else { throw .breach("a reserved bit is set") }
    guard second & 0x80 != 0 else { throw .breach("a frame is not masked") }
    switch opcode {
    case Opcode.continuation:
      if messageOpcode == nil { throw .breach("there is no message to continue") }
    case Opcode.text, Opcode.binary:
      if messageOpcode != nil { throw .breach("a message begins within another") }
    case Opcode.close, Opcode.ping, Opcode.pong:
      if !isFinal || second & 0x7f > 125 { throw .breach("a control frame is fragmented or too long") }
    default: throw .breach("there is no frame with this opcode")
    }
    var (length, size) = (Int(second & 0x7f), 2)
    if length == 126 {
      guard let long = input.integer(at: 2, as: UInt16.self) else { return nil }
      (length, size) = (Int(long), 4)
      if length < 126 { throw .breach("a length is not written in the shortest way") }
    } else if length == 127 {
      guard let long = input.integer(at: 2, as: UInt64.self) else { return nil }
      if long <= 0xffff || long > UInt64(Int.max) { throw .breach("a length is not written in the shortest way") }
      (length, size) = (Int(long), 10)
    }
    if opcode < 8 && length > limit - message.count {
      throw WebSocketError(code: .messageTooBig, reason: "a message has more than \(limit) bytes")
    }
    guard let mask = input.integer(at: size, as: UInt32.self) else { return nil }
    input.skip(size + 4)
    if opcode == Opcode.text || opcode == Opcode.binary { messageOpcode = opcode }
    return Header(isFinal: isFinal, opcode: opcode, left: length, mask: mask)
  }

  /// Takes what has come of the payload. Returns whether all of it has.
  private mutating func takePayload(_ input: inout InputBuffer) -> Bool {
    guard var header else { return false }
    let count = min(header.left, input.count)
    guard count > 0 else { return header.left == 0 }
    var bytes = input.takeBytes(count)
    var mask = header.mask
    bytes.withUnsafeMutableBytes { bytes in
      for index in bytes.indices {
        // The mask turns, so that its first byte is the one for the next byte of the payload.
        bytes[index] ^= UInt8(truncatingIfNeeded: mask >> 24)
        mask = mask << 8 | mask >> 24
      }
    }
    header.mask = mask
    header.left -= count
    self.header = header
    if header.isControl {
      control += bytes
    } else if message.isEmpty {
      message = bytes
    } else {
      message += bytes
    }
    return header.left == 0
  }

  private mutating func finish(_ header: Header) throws(WebSocketError) -> WebSocketFrame? {
    if header.isControl {
      let payload = control
      control = []
      switch header.opcode {
      case Opcode.ping: return .ping(payload)
      case Opcode.pong: return .pong(payload)
      default: return try close(payload)
      }
    }
    guard header.isFinal else { return nil }
    let (payload, opcode) = (message, messageOpcode)
    message = []
    messageOpcode = nil
    if opcode == Opcode.binary { return .binary(payload) }
    guard let text = String(validating: payload, as: UTF8.self) else {
      throw WebSocketError(code: .invalidText, reason: "a text is no UTF-8")
    }
    return .text(text)
  }

  private func close(_ payload: [UInt8]) throws(WebSocketError) -> WebSocketFrame {
    if payload.isEmpty { return .close(nil, reason: "") }
    guard payload.count >= 2 else { throw .breach("a close frame has half a code") }
    let code = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
    guard code.mayBeSent else { throw .breach("a close frame has a code that must not be sent") }
    guard let reason = String(validating: payload[2...], as: UTF8.self) else {
      throw WebSocketError(code: .invalidText, reason: "the reason of a close frame is no UTF-8")
    }
    return .close(code, reason: reason)
  }
}

/// The frames that the server sends, which are never masked and never fragmented.
enum WebSocketEncoder {
  static func text(_ text: String, into output: inout OutputBuffer) {
    header(0x81, text.utf8.count, into: &output)
    output.append(utf8: text)
  }

  static func binary(_ bytes: [UInt8], into output: inout OutputBuffer) {
    header(0x82, bytes.count, into: &output)
    output.append(contentsOf: bytes)
  }

  static func ping(_ bytes: [UInt8], into output: inout OutputBuffer) { control(0x89, bytes, into: &output) }
  static func pong(_ bytes: [UInt8], into output: inout OutputBuffer) { control(0x8a, bytes, into: &output) }

  /// A reason that is too long for a control frame is cut.
  static func close(_ code: WebSocketCloseCode?, _ reason: String, into output: inout OutputBuffer) {
    guard let code, code.mayBeSent else { return control(0x88, [], into: &output) }
    var text = reason
    while text.utf8.count > 123 { text.removeLast() }
    control(0x88, [UInt8(code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue)] + text.utf8, into: &output)
  }

  private static func control(_ first: UInt8, _ bytes: [UInt8], into output: inout OutputBuffer) {
    let bytes = bytes.prefix(125)
    header(first, bytes.count, into: &output)
    output.append(contentsOf: bytes)
  }

  private static func header(_ first: UInt8, _ count: Int, into output: inout OutputBuffer) {
    output.append(first)
    if count < 126 {
      output.append(UInt8(count))
    } else if count <= 0xffff {
      output.append(126)
      output.append(integer: UInt16(count))
    } else {
      output.append(127)
      output.append(integer: UInt64(count))
    }
  }
}
