import Testing
import TroupeHTTP
import TroupeNet

@Suite("The codec of WebSockets")
struct WebSocketCodecTests {
  /// A frame as a client sends it.
  static func frame(
    _ first: UInt8, _ payload: [UInt8], mask: [UInt8] = [1, 2, 3, 4], form: Int? = nil
  ) -> [UInt8] {
    let count = payload.count
    var bytes = [first]
    switch form ?? (count < 126 ? 0 : count <= 0xffff ? 2 : 8) {
    case 0: bytes.append(0x80 | UInt8(count))
    case 2: bytes += [0x80 | 126, UInt8(count >> 8), UInt8(count & 255)]
    default: bytes += [0x80 | 127] + (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
    }
    return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
  }

  static func decoded(_ bytes: [UInt8], part: Int = .max, limit: Int = 1 << 20) -> [String] {
    var limits = HTTPLimits()
    limits.webSocketMessage = limit
    return Decoded.of(bytes, part: part, codec: .webSocket(limits: limits))
  }

  @Test("Messages that are split at any byte, or in fragments with pings between, are the same")
  func split() {
    let stream =
      Self.frame(0x81, Array("one \u{20ac}".utf8)) + Self.frame(0x82, [1, 2, 3]) + Self.frame(0x01, [0xe2, 0x82])
      + Self.frame(0x89, [7]) + Self.frame(0x00, [0xac]) + Self.frame(0x8a, []) + Self.frame(0x80, Array("!".utf8))
      + Self.frame(0x81, []) + Self.frame(0x88, [0x03, 0xe8] + Array("bye".utf8))
    let frames = [
      "\(WebSocketFrame.text("one \u{20ac}"))", "\(WebSocketFrame.binary([1, 2, 3]))", "\(WebSocketFrame.ping([7]))",
      "\(WebSocketFrame.pong([]))", "\(WebSocketFrame.text("\u{20ac}!"))", "\(WebSocketFrame.text(""))",
      "\(WebSocketFrame.close(.normal, reason: "bye"))",
    ]
    for part in 1...stream.count { #expect(Self.decoded(stream, part: part) == frames, "parts of \(part)") }
  }

  @Test("Lengths of all three forms", arguments: [0, 1, 125, 126, 127, 65535, 65536, 100_000])
  func lengths(_ count: Int) {
    let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    let whole = ["\(WebSocketFrame.binary(payload))"]
    for part in [1000, 4096, .max] { #expect(Self.decoded(Self.frame(0x82, payload), part: part) == whole) }
  }

  @Test("A client that breaks the protocol is told the code that fits")
  func breaches() {
    func code(_ bytes: [UInt8], limit: Int = 100) -> String? {
      let lines = Set([1, 2, 3, .max].map { Self.decoded(bytes, part: $0, limit: limit).last ?? "nothing" })
      #expect(lines.count == 1)
      return lines.first?.split(separator: "code: ").last.map { String($0.prefix(4)) }
    }
    // Reserved bits, unknown opcodes, no mask.
    #expect(code(Self.frame(0xc1, [])) == "1002")
    #expect(code(Self.frame(0x83, [])) == "1002")
    #expect(code(Self.frame(0x8b, [])) == "1002")
    #expect(code([0x81, 0x01, 0x61]) == "1002")
    // Control frames in fragments, or too long.
    #expect(code(Self.frame(0x09, [])) == "1002")
    #expect(code(Self.frame(0x89, [UInt8](repeating: 0, count: 126))) == "1002")
    // Fragments out of order.
    #expect(code(Self.frame(0x80, [])) == "1002")
    #expect(code(Self.frame(0x01, []) + Self.frame(0x81, [])) == "1002")
    // Lengths that could be written in a shorter way, or are no lengths.
    #expect(code(Self.frame(0x82, [1], form: 2)) == "1002")
    #expect(code(Self.frame(0x82, [1], form: 8)) == "1002")
    #expect(code([0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == "1002")
    // Close frames.
    #expect(code(Self.frame(0x88, [3])) == "1002")
    #expect(code(Self.frame(0x88, [0x03, 0xed])) == "1002")
    #expect(code(Self.frame(0x88, [0x03, 0xe7])) == "1002")
    #expect(code(Self.frame(0x88, [0x03, 0xe8, 0xff])) == "1007")
    // Texts that are no UTF-8: a byte that never occurs, a surrogate, an end within a character.
    #expect(code(Self.frame(0x81, [0xff])) == "1007")
    #expect(code(Self.frame(0x81, [0xed, 0xa0, 0x80])) == "1007")
    #expect(code(Self.frame(0x81, [0xe2, 0x82])) == "1007")
    // Messages over the limit, in one frame and in two.
    #expect(code(Self.frame(0x82, [UInt8](repeating: 0, count: 101))) == "1009")
    let half = [UInt8](repeating: 0, count: 60)
    #expect(code(Self.frame(0x02, half) + Self.frame(0x80, half)) == "1009")
    #expect(code([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]) == "1009")
  }

  @Test("A close frame without a code has none")
  func closeWithoutCode() {
    #expect(Self.decoded(Self.frame(0x88, [])) == ["\(WebSocketFrame.close(nil, reason: ""))"])
  }
}
