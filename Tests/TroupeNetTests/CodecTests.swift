import Testing
import TroupeNet

@Suite("Codecs")
struct CodecTests {
  /// The frames of a stream that comes in parts of `part` bytes.
  static func frames<C: Codec>(_ codec: C, _ bytes: [UInt8], part: Int) throws -> [C.Inbound] {
    var codec = codec
    var frames: [C.Inbound] = []
    var rest: [UInt8] = []
    var offset = 0
    while offset < bytes.count {
      let next = min(bytes.count, offset + part)
      var input = InputBuffer(rest + bytes[offset..<next], isAtEnd: next == bytes.count)
      while let frame = try codec.decode(&input) { frames.append(frame) }
      rest = input.takeBytes(input.count)
      offset = next
    }
    return frames
  }

  @Test("A stream that is split at any byte has the same lines")
  func lines() throws {
    let bytes = Array("first\r\nsecond\n\nlast \u{e9}".utf8)
    for part in 1...bytes.count {
      #expect(try Self.frames(LineCodec(), bytes, part: part) == ["first", "second", "", "last \u{e9}"])
    }
  }
}
