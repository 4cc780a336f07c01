/// The bytes that a connection has to send. A `Codec` puts the bytes of frames at its end.
///
/// Bytes are kept in pieces, so that a long backlog is never copied to make room. The buffer belongs to one connection,
/// or to a caller who encodes frames by hand.
public struct OutputBuffer: ~Copyable {
  /// The piece that is being filled.
  @usableFromInline var base: UnsafeMutableRawPointer
  @usableFromInline var used = 0
  @usableFromInline var capacity = 0
  /// The pieces before that, the oldest first.
  private var pieces: [Piece] = []
  private var firstPiece = 0
  /// How many bytes of the oldest piece have been sent. If there is no piece, they are bytes of what is being filled.
  private var sent = 0
  /// How many bytes of the finished pieces wait. While bytes of what is being filled have been sent, it is less by
  /// that number, and may be negative.
  @usableFromInline var piecesCount = 0

  /// From this size on an array is kept as it is, instead of being copied.
  @usableFromInline static var longArray: Int { 16 * 1024 }

  /// Bytes that will not change any more.
  private enum Piece {
    case block(UnsafeMutableRawPointer, count: Int)
    case array([UInt8])
    var count: Int {
      switch self {
      case .block(_, let count): count
      case .array(let bytes): bytes.count
      }
    }
  }

  /// Makes an empty buffer. It takes no memory before the first bytes come.
  public init() { base = BlockPool.none }

  deinit {
    for piece in pieces[firstPiece...] { if case .block(let block, _) = piece { BlockPool.give(block) } }
    if capacity > 0 { BlockPool.give(base) }
  }

  // MARK: For codecs

  /// The number of bytes that wait.
  @inlinable public var count: Int { piecesCount + used }
  /// Whether no bytes wait.
  @inlinable public var isEmpty: Bool { count == 0 }

  /// Puts one byte at the end.
  @inlinable public mutating func append(_ byte: UInt8) {
    if used == capacity { nextBlock() }
    (base + used).storeBytes(of: byte, as: UInt8.self)
    used += 1
  }

  /// Puts the bytes of an array at the end. A long array is kept instead of being copied.
  @inlinable public mutating func append(contentsOf bytes: [UInt8]) {
    if bytes.count >= Self.longArray { return keep(bytes) }
    bytes.withUnsafeBytes { append($0) }
  }

  /// Puts a slice of bytes at the end.
  @inlinable public mutating func append(contentsOf bytes: ArraySlice<UInt8>) {
    bytes.withUnsafeBytes { append($0) }
  }

  /// Puts the UTF-8 bytes of a string at the end.
  @inlinable public mutating func append(utf8 string: String) {
    var string = string
    string.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Puts the bytes of a literal at the end.
  @inlinable public mutating func append(utf8 string: StaticString) {
    append(UnsafeRawBufferPointer(start: string.utf8Start, count: string.utf8CodeUnitCount))
  }

  /// Puts an integer at the end, in network byte order unless `isBigEndian` is false.
  @inlinable public mutating func append<Value: FixedWidthInteger>(integer: Value, isBigEndian: Bool = true) {
    withUnsafeBytes(of: isBigEndian ? integer.bigEndian : integer.littleEndian) { append($0) }
  }

  /// Puts an integer at the end as decimal digits.
  @inlinable public mutating func append(decimal value: Int) {
    if value >= 0 && value < 10 { return append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value)) }
    // 20 digits and a sign.
    withUnsafeTemporaryAllocation(byteCount: 24, alignment: 8) { digits in
      var index = 24
      var rest = value.magnitude
      repeat {
        index -= 1
        digits[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      if value < 0 {
        index -= 1
        digits[index] = UInt8(ascii: "-")
      }
      append(UnsafeRawBufferPointer(rebasing: digits[index...]))
    }
  }

  /// Puts the bytes of a span at the end.
  @inlinable public mutating func append(contentsOf bytes: RawSpan) { bytes.withUnsafeBytes { append($0) } }

  /// Puts bytes at the end. They are copied.
  @inlinable public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    if bytes.count <= capacity - used {
      (base + used).copyMemory(from: start, byteCount: bytes.count)
      used += bytes.count
    } else {
      appendInPieces(bytes)
    }
  }

  @usableFromInline mutating func appendInPieces(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    while !rest.isEmpty {
      if used == capacity { nextBlock() }
      let part = rest.prefix(capacity - used)
      (base + used).copyMemory(from: UnsafeRawBufferPointer(rebasing: part).baseAddress!, byteCount: part.count)
      used += part.count
      rest = rest.dropFirst(part.count)
    }
  }

  @usableFromInline mutating func nextBlock() {
    finishBlock()
    base = BlockPool.take()
    capacity = BlockPool.size
  }

  @usableFromInline mutating func keep(_ bytes: [UInt8]) {
    finishBlock()
    pieces.append(.array(bytes))
    piecesCount += bytes.count
  }

  /// Makes a piece of what has been filled so far.
  private mutating func finishBlock() {
    if used > 0 {
      pieces.append(.block(base, count: used))
      piecesCount += used
    } else if capacity > 0 {
      BlockPool.give(base)
    }
    base = BlockPool.none
    (used, capacity) = (0, 0)
  }

  // MARK: For whoever sends the bytes

  /// Takes all bytes as one array. Use it to test a codec, or to send what was encoded by other means.
  public mutating func takeBytes() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while !isEmpty {
      let taken = withPieces { pieces in
        for piece in pieces { bytes.append(contentsOf: piece) }
        return pieces.reduce(0) { $0 + $1.count }
      }
      remove(taken)
    }
    return bytes
  }

  /// Calls `body` with the oldest pieces, as many as one `writev` should take.
  mutating func withPieces<Result>(_ body: (UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Result) -> Result {
    if firstPiece == pieces.count {
      return withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer.self, capacity: 1) { list in
        list.initializeElement(at: 0, to: UnsafeRawBufferPointer(start: base + sent, count: used - sent))
        return body(UnsafeBufferPointer(list))
      }
    }
    // What is being filled becomes a piece too, so that there is one kind.
    finishBlock()
    let list = pieces[firstPiece...].prefix(Self.piecesAtOnce)
    return withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer.self, capacity: list.count) { out in
      var isFirst = true
      var index = 0
      for piece in list {
        let skipped = isFirst ? sent : 0
        isFirst = false
        switch piece {
        case .block(let block, let count):
          out.initializeElement(at: index, to: UnsafeRawBufferPointer(start: block + skipped, count: count - skipped))
        case .array(let bytes):
          // The buffer keeps the array, and nobody changes it, so its bytes stay where they are.
          let whole = bytes.withUnsafeBytes { $0 }
          out.initializeElement(at: index, to: UnsafeRawBufferPointer(rebasing: whole[skipped...]))
        }
        index += 1
      }
      return body(UnsafeBufferPointer(out))
    }
  }

  static let piecesAtOnce = 16

  /// Removes bytes from the front, which have been sent.
  mutating func remove(_ count: Int) {
    var left = count
    piecesCount -= count
    while left > 0 && firstPiece < pieces.count {
      let rest = pieces[firstPiece].count - sent
      if left < rest {
        sent += left
        left = 0
        break
      }
      left -= rest
      sent = 0
      if case .block(let block, _) = pieces[firstPiece] { BlockPool.give(block) }
      pieces[firstPiece] = .array([])
      firstPiece += 1
    }
    if firstPiece < pieces.count {
      // A backlog that is never sent to its end must not lengthen the list for ever.
      if firstPiece >= 64 && firstPiece * 2 >= pieces.count {
        pieces.removeFirst(firstPiece)
        firstPiece = 0
      }
      return
    }
    pieces = []
    firstPiece = 0
    sent += left
    if sent == used {
      if capacity > 0 { BlockPool.give(base) }
      base = BlockPool.none
      (used, capacity, sent, piecesCount) = (0, 0, 0, 0)
    }
  }

  /// How many places the list of pieces has, for tests.
  var placeCount: Int { pieces.count }
}
