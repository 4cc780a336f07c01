import Foundation

/// A piece of text between two separators, on its way from a reader to a splitter.
///
/// It owns its memory and cannot be copied. Only one actor has it at a time, so it changes hands without a lock or a
/// copy.
struct Chunk: ~Copyable, @unchecked Sendable {
  /// How many bytes after the text can also be read and are zero. The splitter needs them because it looks at eight
  /// bytes at a time.
  static let padding = 8

  private let memory: UnsafeMutableRawPointer
  private let count: Int

  /// Takes over memory from `malloc`, which must have room for the padding after `count` bytes.
  init(owning memory: UnsafeMutableRawPointer, count: Int) {
    self.memory = memory
    self.count = count
    memset(memory + count, 0, Self.padding)
  }

  deinit { free(memory) }

  /// The text, without the padding.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }
}

/// Collects what is read, and cuts it into chunks such that no word lies in two of them.
///
/// A chunk may hold many small files, and a large file fills many chunks. A chunk is larger than `chunkSize` only if
/// it contains a word that is longer than that.
struct ChunkBuilder: ~Copyable {
  /// Large enough that the cost of passing a chunk on does not matter, and small enough to stay in the cache of a
  /// core.
  static let chunkSize = 128 << 10
  /// A chunk with less room than this is full, because reading a few bytes at a time would be slow.
  private static let leastRoom = 4 << 10

  private var memory: UnsafeMutableRawPointer
  private var size: Int
  private var count = 0

  init() {
    size = Self.chunkSize
    memory = Self.allocate(size)
  }

  deinit { free(memory) }

  private static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
    guard let memory = malloc(size + Chunk.padding) else { fatalError("WordCount: no memory for \(size) bytes") }
    return memory
  }

  var isFull: Bool { size - count < Self.leastRoom }

  /// Reads once, up to the end of the chunk at most. Returns the number of bytes, which is 0 at the end of the file.
  mutating func fill(from file: borrowing File) throws(SystemError) -> Int {
    let bytes = try file.read(into: memory + count, atMost: size - count)
    count += bytes
    return bytes
  }

  /// Ends the word in hand, because the next file starts a new one. To be called only while there is room.
  mutating func endWord() {
    (memory + count).storeBytes(of: separator, as: UInt8.self)
    count += 1
  }

  /// Takes everything up to the last separator; a word that has only begun stays here. It returns nil if there is
  /// nothing but such a word, and if the chunk was full, it then has more room.
  mutating func takeChunk() -> Chunk? {
    var end = count
    while end > 0, isLetter(memory.load(fromByteOffset: end - 1, as: UInt8.self)) { end -= 1 }
    if end == 0 {
      if isFull { grow() }
      return nil
    }
    let begun = count - end
    let newSize = max(Self.chunkSize, begun * 2)
    let newMemory = Self.allocate(newSize)
    memcpy(newMemory, memory + end, begun)
    let chunk = Chunk(owning: memory, count: end)
    (memory, size, count) = (newMemory, newSize, begun)
    return chunk
  }

  private mutating func grow() {
    let newMemory = Self.allocate(size * 2)
    memcpy(newMemory, memory, count)
    free(memory)
    (memory, size) = (newMemory, size * 2)
  }
}
