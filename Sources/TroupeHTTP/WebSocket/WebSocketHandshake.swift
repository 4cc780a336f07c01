/// The handshake of RFC 6455, section 4.2.
enum WebSocketHandshake {
  /// The answer that turns the connection into a WebSocket, and the subprotocol that was chosen. Throws if the request
  /// does not ask for one properly.
  static func answer(_ request: Request, _ protocols: [String]) throws -> (response: Response, protocol: String?) {
    let headers = request.headers
    guard request.method == .get, !request.isHTTP10, request.notes.upgrades,
      headers.list("Upgrade", contains: "websocket")
    else { throw HTTPError(Status(426), "this path is a WebSocket") }
    guard headers.all("Sec-WebSocket-Version") == ["13"] else {
      throw HTTPError(Status(426), "the only version of WebSockets is 13")
    }
    let keys = headers.all("Sec-WebSocket-Key")
    guard keys.count == 1, isKey(keys[0]), !request.notes.hasBody else {
      throw HTTPError(.badRequest, "the request for a WebSocket has no proper key, or has a body")
    }
    var response = Response(Status(101))
    response.add("Upgrade", "websocket")
    // Not by `add`, which leaves this field to the server.
    response.fields += "Connection: Upgrade\r\n".utf8
    response.add("Sec-WebSocket-Accept", accept(keys[0]))
    let offered = headers.elements("Sec-WebSocket-Protocol")
    let chosen = protocols.first { offered.contains($0) }
    if let chosen { response.add("Sec-WebSocket-Protocol", chosen) }
    return (response, chosen)
  }

  /// Whether this is what 16 bytes look like in Base64.
  private static func isKey(_ key: String) -> Bool {
    let bytes = Array(key.utf8)
    return bytes.count == 24 && bytes.hasSuffix("==") && bytes.dropLast(2).allSatisfy { alphabet.contains($0) }
  }

  static func accept(_ key: String) -> String {
    base64(sha1(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
  }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func base64(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for index in 0..<4 {
        text.append(index <= group.count ? alphabet[bits >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// SHA-1 (RFC 3174), which the handshake uses as a check of the protocol and not for security.
  static func sha1(_ message: [UInt8]) -> [UInt8] {
    var padded = message + [0x80]
    while padded.count % 64 != 56 { padded.append(0) }
    padded += (0..<8).map { UInt8(truncatingIfNeeded: (message.count * 8) >> (56 - 8 * $0)) }
    func turned(_ word: UInt32, _ count: UInt32) -> UInt32 { word << count | word >> (32 - count) }
    var hash: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
    for block in stride(from: 0, to: padded.count, by: 64) {
      var words = (0..<16).map { index in
        padded[(block + 4 * index)..<(block + 4 * index + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      }
      for index in 16..<80 {
        words.append(turned(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1))
      }
      var (a, b, c, d, e) = (hash[0], hash[1], hash[2], hash[3], hash[4])
      for (index, word) in words.enumerated() {
        let (mixed, constant): (UInt32, UInt32) =
          switch index {
          case ..<20: (b & c | ~b & d, 0x5a82_7999)
          case ..<40: (b ^ c ^ d, 0x6ed9_eba1)
          case ..<60: (b & c | b & d | c & d, 0x8f1b_bcdc)
          default: (b ^ c ^ d, 0xca62_c1d6)
          }
        let next = turned(a, 5) &+ mixed &+ e &+ constant &+ word
        (e, d, c, b, a) = (d, c, turned(b, 30), a, next)
      }
      for (index, word) in [a, b, c, d, e].enumerated() { hash[index] &+= word }
    }
    return hash.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32($0))) } }
  }
}

extension [UInt8] {
  fileprivate func hasSuffix(_ text: StaticString) -> Bool {
    suffix(text.utf8CodeUnitCount).elementsEqual(
      UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}
