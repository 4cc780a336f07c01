internal import CTroupeSockets

/// The bytes that a connection has received and that no frame has taken yet. A `Codec` looks at them and takes the
/// bytes of a frame from the front.
///
/// Offsets count from the first byte that has not been taken. An offset that is not below `count` stops the program, as
/// with an array. The buffer belongs to one connection and is used by one thread at a time.
public struct InputBuffer: ~Copyable {
  // Each property changes only in the functions below. The block goes back to the pool when all bytes are taken.
  @usableFromInline var base: UnsafeMutableRawPointer
  @usableFromInline var start = 0
  @usableFromInline var end = 0
  private(set) var capacity = 0
  /// Whether the peer has ended its side, so that no further bytes will come. A codec whose last frame ends with the
  /// stream looks at this.
  public internal(set) var isAtEnd = false

  /// Makes an empty buffer. It takes no memory before the first bytes come.
  init() { base = BlockPool.none }

  /// Makes a buffer with these bytes, as if a peer had sent them. Use it to test a codec.
  public init(_ bytes: some Sequence<UInt8>, isAtEnd: Bool = false) {
    base = BlockPool.none
    append(Array(bytes))
    self.isAtEnd = isAtEnd
  }

  deinit { if capacity > 0 { Self.free(base, capacity) } }

  private static func free(_ base: UnsafeMutableRawPointer, _ capacity: Int) {
    if capacity == BlockPool.size { BlockPool.give(base) } else { base.deallocate() }
  }

  // MARK: For codecs

  /// The number of bytes that have not been taken.
  @inlinable public var count: Int { end - start }
  /// Whether there are no bytes.
  @inlinable public var isEmpty: Bool { start == end }

  /// The bytes that have not been taken, without a copy.
  @inlinable public var bytes: RawSpan {
    @_lifetime(borrow self) get {
      _overrideLifetime(
        RawSpan(_unsafeStart: UnsafeRawPointer(base + start), byteCount: count), borrowing: self)
    }
  }

  /// The byte at an offset.
  @inlinable public subscript(offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < count, "the offset lies behind the bytes that have come")
    return (base + start).load(fromByteOffset: offset, as: UInt8.self)
  }

  /// The offset of the first byte of this value, beginning at offset `from`; nil if there is none. O(n), by the C
  /// library's memchr.
  public func firstIndex(of byte: UInt8, from: Int = 0) -> Int? {
    precondition(from >= 0 && from <= count, "the offset lies behind the bytes that have come")
    let found = troupe_find_byte(base + start + from, byte, count - from)
    return found < 0 ? nil : from + found
  }

  /// An integer at an offset, in network byte order unless `isBigEndian` is false. Nil if not all of its bytes have
  /// come.
  @inlinable public func integer<Value: FixedWidthInteger>(
    at offset: Int = 0, as type: Value.Type, isBigEndian: Bool = true
  ) -> Value? {
    precondition(offset >= 0, "an offset is not negative")
    guard offset + MemoryLayout<Value>.size <= count else { return nil }
    let value = (base + start).loadUnaligned(fromByteOffset: offset, as: Value.self)
    return isBigEndian ? Value(bigEndian: value) : Value(littleEndian: value)
  }

  /// Takes `count` bytes away without looking at them.
  @inlinable public mutating func skip(_ count: Int) {
    precondition(count >= 0 && count <= self.count, "a codec took more bytes than have come")
    start += count
  }

  /// Takes `count` bytes as an array. This is the one copy that they are given.
  @inlinable public mutating func takeBytes(_ count: Int) -> [UInt8] {
    precondition(count >= 0 && count <= self.count, "a codec took more bytes than have come")
    let bytes = [UInt8](UnsafeRawBufferPointer(start: base + start, count: count))
    start += count
    return bytes
  }

  /// Takes `count` bytes as a string. Bytes that are no UTF-8 become U+FFFD.
  @inlinable public mutating func takeString(_ count: Int) -> String {
    precondition(count >= 0 && count <= self.count, "a codec took more bytes than have come")
    let string = String(decoding: UnsafeRawBufferPointer(start: base + start, count: count), as: UTF8.self)
    start += count
    return string
  }

  /// Calls `body` with the bytes that have not been taken. The pointer is valid only during the call.
  @inlinable public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: base + start, count: count))
  }

  // MARK: For the connection

  /// Makes room for at least `size` further bytes.
  mutating func reserve(_ size: Int) {
    if capacity - end >= size { return }
    let needed = count + size
    if needed <= capacity && start > 0 {
      base.copyMemory(from: base + start, byteCount: count)
    } else {
      let grown = max(BlockPool.size, needed <= capacity ? capacity : max(needed, 2 * capacity))
      let new = grown == BlockPool.size ? BlockPool.take() : .allocate(byteCount: grown, alignment: 16)
      new.copyMemory(from: base + start, byteCount: count)
      if capacity > 0 { Self.free(base, capacity) }
      base = new
      capacity = grown
    }
    end = count
    start = 0
  }

  /// The room behind the bytes.
  var room: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: base + end, count: capacity - end) }

  /// Notes that `count` bytes were written into the room.
  mutating func filled(_ count: Int) { end += count }

  /// Puts bytes behind those that have come.
  mutating func append(_ bytes: [UInt8]) {
    reserve(bytes.count)
    bytes.withUnsafeBytes { room.copyMemory(from: $0) }
    filled(bytes.count)
  }

  /// Gives the memory back if no bytes are left.
  mutating func trim() {
    guard isEmpty && capacity > 0 else { return }
    Self.free(base, capacity)
    base = BlockPool.none
    (start, end, capacity) = (0, 0, 0)
  }

  /// Throws all bytes away.
  mutating func clear() {
    start = end
    trim()
  }
}
