import TestSupport
import Testing

@testable import TroupeNet

@Suite("Codecs")
struct CodecTests {
  /// The frames of a stream that comes in parts of `part` bytes, and the error that ended it.
  static func frames<C: Codec>(
    _ codec: C, _ bytes: [UInt8], part: Int
  ) -> (frames: [C.Inbound], error: CodecError?) {
    var codec = codec
    var frames: [C.Inbound] = []
    var input = InputBuffer()
    var offset = 0
    do {
      while offset < bytes.count {
        let next = min(bytes.count, offset + part)
        input.append(Array(bytes[offset..<next]))
        offset = next
        while let frame = try codec.decode(&input) { frames.append(frame) }
      }
      // As a connection does it: the codec looks once more if bytes are left.
      input.isAtEnd = true
      while !input.isEmpty, let frame = try codec.decode(&input) { frames.append(frame) }
    } catch {
      return (frames, error as? CodecError)
    }
    return (frames, nil)
  }

  private static func encoded<C: Codec>(_ codec: C, _ frames: [C.Outbound]) -> [UInt8] {
    var output = OutputBuffer()
    for frame in frames { codec.encode(frame, into: &output) }
    return output.takeBytes()
  }

  /// However a stream is split, it has the same frames and the same error.
  private func expect<C: Codec>(
    _ codec: C, _ bytes: [UInt8], _ frames: [C.Inbound], _ error: CodecError? = nil,
    _ location: SourceLocation = #_sourceLocation
  ) where C.Inbound: Equatable {
    for part in 1...max(1, bytes.count) {
      let result = Self.frames(codec, bytes, part: part)
      #expect(result.frames == frames, "in parts of \(part)", sourceLocation: location)
      #expect(result.error == error, "in parts of \(part)", sourceLocation: location)
    }
  }

  @Test("A stream that is split at any byte has the same lines")
  func lines() {
    let bytes = Array("first\r\nsecond\n\nlast \u{e9}".utf8)
    expect(LineCodec(), bytes, ["first", "second", "", "last \u{e9}"])
    expect(LineCodec(), Array("one\n".utf8), ["one"])
    expect(LineCodec(), [0xff, 0x0a], ["\u{fffd}"])
    #expect(Self.encoded(LineCodec(lineEnd: "\r\n"), ["a", ""]) == Array("a\r\n\r\n".utf8))
  }

  @Test("A line of the longest length comes in, and a longer one does not, with its end or without")
  func longLines() {
    let codec = LineCodec(limit: 4)
    expect(codec, Array("1234\n1234\r\n1234".utf8), ["1234", "1234", "1234"])
    expect(codec, Array("12345\n".utf8), [], .frameTooLong(limit: 4))
    expect(codec, Array("12345\r\n".utf8), [], .frameTooLong(limit: 4))
    expect(codec, Array("12345".utf8), [], .frameTooLong(limit: 4))
    expect(codec, Array("ok\n123456789".utf8), ["ok"], .frameTooLong(limit: 4))
    expect(LineCodec(limit: .max), Array("ok\nlast".utf8), ["ok", "last"])
  }

  @Test("Frames with a length, split at any byte")
  func lengths() {
    let frames: [[UInt8]] = [[1, 2, 3], [], [4]]
    expect(LengthPrefixedCodec(UInt8.self), Self.encoded(LengthPrefixedCodec(UInt8.self), frames), frames)
    expect(LengthPrefixedCodec(UInt16.self), Self.encoded(LengthPrefixedCodec(UInt16.self), frames), frames)
    expect(LengthPrefixedCodec(), Self.encoded(LengthPrefixedCodec(), frames), frames)
    expect(LengthPrefixedCodec(UInt64.self), Self.encoded(LengthPrefixedCodec(UInt64.self), frames), frames)
    #expect(Self.encoded(LengthPrefixedCodec(), [[9]]) == [0, 0, 0, 1, 9])
  }

  @Test("A length over the limit is refused before the frame comes, and a stream that ends within a frame is an error")
  func badLengths() {
    expect(LengthPrefixedCodec(limit: 3), [0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 4], [[1, 2, 3]], .frameTooLong(limit: 3))
    expect(
      LengthPrefixedCodec(UInt64.self), [UInt8](repeating: 0xff, count: 8), [], .frameTooLong(limit: 1024 * 1024))
    let ended = CodecError.malformed("the stream ended within a frame")
    expect(LengthPrefixedCodec(), [0, 0, 0, 1, 7, 0, 0, 0, 2, 7], [[7]], ended)
    expect(LengthPrefixedCodec(), [0, 0], [], ended)
  }

  @Test("Frames of a fixed length, split at any byte")
  func fixed() {
    expect(FixedLengthCodec(2), [1, 2, 3, 4], [[1, 2], [3, 4]])
    expect(
      FixedLengthCodec(2), [1, 2, 3], [[1, 2]], .malformed("the stream ended after 1 of the 2 bytes of a frame"))
  }

  @Test("Frames with a delimiter, split at any byte")
  func delimited() {
    let codec = DelimiterCodec(Array("--\n".utf8))
    expect(codec, Array("a--\n-b-\n--\n--\nc---\n".utf8), [Array("a".utf8), Array("-b-\n".utf8), [], Array("c-".utf8)])
    #expect(Self.encoded(codec, [[1]]) == [1] + Array("--\n".utf8))
    let ended = CodecError.malformed("the stream ended within a frame")
    expect(codec, Array("a--\nb--".utf8), [Array("a".utf8)], ended)
    let short = DelimiterCodec(Array("--".utf8), limit: 3)
    expect(short, Array("abc--".utf8), [Array("abc".utf8)])
    expect(short, Array("abcd--".utf8), [], .frameTooLong(limit: 3))
    expect(short, Array("abcdefgh".utf8), [], .frameTooLong(limit: 3))
    expect(DelimiterCodec([0], limit: .max), [1, 0], [[1]])
  }

  @Test("Bytes without frames, up to the limit of the codec")
  func bytes() {
    #expect(Self.frames(BytesCodec(limit: 2), [1, 2, 3], part: 3).frames == [[1, 2], [3]])
    #expect(Self.frames(BytesCodec(limit: 0), [1, 2], part: 2).frames == [[1], [2]])
  }

  @Test("Random streams of lines, split at random, agree with a split of the whole", arguments: 0..<UInt64(50))
  func randomLines(seed: UInt64) {
    var random = Random(seed: seed)
    let text = String((0..<random.below(400)).map { _ in ["a", "b", "\r", "\n", "\r\n"][random.below(5)] }.joined())
    var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let last = lines.removeLast()
    lines = lines.map { $0.unicodeScalars.last == "\r" ? String($0.unicodeScalars.dropLast()) : $0 }
    if !last.isEmpty { lines.append(last) }
    for _ in 0..<10 {
      #expect(Self.frames(LineCodec(), Array(text.utf8), part: 1 + random.below(30)).frames == lines)
    }
  }
}
