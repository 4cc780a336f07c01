/// Bytes as they come, without frames: each frame is what one read of the socket gave.
///
/// Use it where the bytes mean nothing to the program, as in a proxy.
public struct BytesCodec: Codec {
  /// The longest frame in bytes. Longer reads come as several frames.
  public let limit: Int

  /// Makes a codec without frames.
  public init(limit: Int = 64 * 1024) { self.limit = max(1, limit) }

  /// Takes what has come.
  @inlinable public mutating func decode(_ input: inout InputBuffer) -> [UInt8]? {
    input.isEmpty ? nil : input.takeBytes(min(limit, input.count))
  }

  /// Puts the bytes into the output.
  @inlinable public func encode(_ bytes: consuming [UInt8], into output: inout OutputBuffer) {
    output.append(contentsOf: bytes)
  }
}

/// Frames that begin with their length, as an unsigned integer in network byte order.
public struct LengthPrefixedCodec<Length: FixedWidthInteger & UnsignedInteger & Sendable>: Codec {
  /// The longest frame that may come in, in bytes, without its length.
  public let limit: Int

  /// Makes a codec whose frames begin with a `Length`.
  public init(_ length: Length.Type = UInt32.self, limit: Int = 1024 * 1024) { self.limit = limit }

  /// Takes one frame, without its length. It throws as soon as a length above the limit has come. Bytes at the end of
  /// the stream that are no whole frame are an error.
  public mutating func decode(_ input: inout InputBuffer) throws -> [UInt8]? {
    let size = MemoryLayout<Length>.size
    if let length = input.integer(as: Length.self) {
      guard length <= limit else { throw CodecError.frameTooLong(limit: limit) }
      if input.count - size >= Int(length) {
        input.skip(size)
        return input.takeBytes(Int(length))
      }
    }
    if input.isAtEnd && !input.isEmpty { throw CodecError.malformed("the stream ended within a frame") }
    return nil
  }

  /// Puts a length and a frame into the output. A frame that is too long for a `Length` stops the program.
  public func encode(_ frame: consuming [UInt8], into output: inout OutputBuffer) {
    guard let length = Length(exactly: frame.count) else {
      fatalError("Troupe: a frame of \(frame.count) bytes is too long for a length of type \(Length.self)")
    }
    output.append(integer: length)
    output.append(contentsOf: frame)
  }
}

/// Frames that all have the same length.
public struct FixedLengthCodec: Codec {
  /// The length of each frame in bytes.
  public let length: Int

  /// Makes a codec for frames of this length, which must be at least 1.
  public init(_ length: Int) {
    precondition(length > 0, "Troupe: the frames of a FixedLengthCodec must have at least one byte")
    self.length = length
  }

  /// Takes one frame. Bytes at the end of the stream that are no whole frame are an error.
  public mutating func decode(_ input: inout InputBuffer) throws -> [UInt8]? {
    if input.count >= length { return input.takeBytes(length) }
    if input.isAtEnd && !input.isEmpty {
      throw CodecError.malformed("the stream ended after \(input.count) of the \(length) bytes of a frame")
    }
    return nil
  }

  /// Puts a frame into the output. A frame of another length stops the program.
  public func encode(_ frame: consuming [UInt8], into output: inout OutputBuffer) {
    precondition(frame.count == length, "Troupe: a frame that goes through a FixedLengthCodec has another length")
    output.append(contentsOf: frame)
  }
}

/// Frames that end with a certain sequence of bytes.
public struct DelimiterCodec: Codec {
  /// What ends a frame.
  public let delimiter: [UInt8]
  /// The longest frame that may come in, in bytes, without the delimiter.
  public let limit: Int
  /// At how many offsets of the input no delimiter begins.
  private var seen = 0

  /// Makes a codec whose frames end with `delimiter`, which must not be empty.
  public init(_ delimiter: [UInt8], limit: Int = 64 * 1024) {
    precondition(!delimiter.isEmpty, "Troupe: the delimiter of a DelimiterCodec must not be empty")
    self.delimiter = delimiter
    self.limit = limit
  }

  /// Takes one frame, without the delimiter. Bytes at the end of the stream that lack it are an error.
  public mutating func decode(_ input: inout InputBuffer) throws -> [UInt8]? {
    while let found = input.firstIndex(of: delimiter[0], from: seen) {
      if found > limit { throw CodecError.frameTooLong(limit: limit) }
      seen = found
      if input.count - found < delimiter.count { break }
      if (1..<delimiter.count).allSatisfy({ input[found + $0] == delimiter[$0] }) {
        seen = 0
        let frame = input.takeBytes(found)
        input.skip(delimiter.count)
        return frame
      }
      seen = found + 1
    }
    if input.count - delimiter.count >= limit { throw CodecError.frameTooLong(limit: limit) }
    if input.isAtEnd && !input.isEmpty { throw CodecError.malformed("the stream ended within a frame") }
    if input.count > 0, input.firstIndex(of: delimiter[0], from: seen) == nil { seen = input.count }
    return nil
  }

  /// Puts a frame and the delimiter into the output. The frame must not contain the delimiter.
  public func encode(_ frame: consuming [UInt8], into output: inout OutputBuffer) {
    output.append(contentsOf: frame)
    output.append(contentsOf: delimiter)
  }
}
