/// Counts words in a hash table whose slots hold the first eight letters of a word. Most words are therefore found by
/// comparing one integer, and none becomes a `String` before it is printed.
struct WordTable: ~Copyable {
  private struct Slot {
    /// The first block of the word. Its other blocks, if any, are in `rest`, from `restStart` on.
    var first: UInt64
    var restStart: Int
    /// The number of letters in the word; 0 if the slot is free.
    var length: Int
    var count: Int
  }

  private static let initialBits: UInt64 = 14
  private var bits = Self.initialBits
  private var slots = Self.allocate(Self.initialBits)
  private var rest: [UInt64] = []
  /// How many different words were counted.
  private(set) var distinct = 0
  /// How many words were counted in all.
  private(set) var total = 0

  init() {}

  deinit { slots.deallocate() }

  private static func allocate(_ bits: UInt64) -> UnsafeMutablePointer<Slot> {
    let slots = UnsafeMutablePointer<Slot>.allocate(capacity: 1 << bits)
    slots.initialize(repeating: Slot(first: 0, restStart: 0, length: 0, count: 0), count: 1 << bits)
    return slots
  }

  mutating func removeAll() {
    if bits == Self.initialBits {
      slots.update(repeating: Slot(first: 0, restStart: 0, length: 0, count: 0), count: 1 << bits)
    } else {
      slots.deallocate()
      bits = Self.initialBits
      slots = Self.allocate(bits)
    }
    rest.removeAll(keepingCapacity: rest.count < 1 << 16)
    (distinct, total) = (0, 0)
  }

  /// Counts a word of `length` letters in any case. Eight bytes must be readable from its last letter on.
  @inline(__always)
  mutating func add(_ word: UnsafeRawPointer, length: Int, count: Int = 1) {
    total &+= count
    if length > 8 { return addLong(word, length, count) }
    let first = block(of: word, length: length)
    var index = place(mix(0, first))
    while true {
      // Eight letters may be a whole word or the start of one.
      if slots[index].first == first && slots[index].length == length {
        slots[index].count &+= count
        return
      }
      if slots[index].length == 0 { break }
      index = next(index)
    }
    insert(Slot(first: first, restStart: 0, length: length, count: count), at: index)
  }

  @inline(never)
  private mutating func addLong(_ word: UnsafeRawPointer, _ length: Int, _ count: Int) {
    var index = place(hash(length) { block($0, of: word, length: length) })
    while slots[index].length != 0 {
      if isWord(word, length, in: slots[index]) {
        slots[index].count &+= count
        return
      }
      index = next(index)
    }
    let restStart = rest.count
    for number in 1..<blockCount(length) { rest.append(block(number, of: word, length: length)) }
    insert(Slot(first: block(of: word, length: length), restStart: restStart, length: length, count: count), at: index)
  }

  private func isWord(_ word: UnsafeRawPointer, _ length: Int, in slot: Slot) -> Bool {
    if slot.length != length || slot.first != block(of: word, length: length) { return false }
    return (1..<blockCount(length)).allSatisfy { rest[slot.restStart + $0 - 1] == block($0, of: word, length: length) }
  }

  @inline(never)
  private mutating func insert(_ slot: Slot, at index: Int) {
    slots[index] = slot
    distinct += 1
    if distinct > 1 << (bits - 1) { grow() }
  }

  private mutating func grow() {
    let (old, oldCount) = (slots, 1 << bits)
    bits += 1
    slots = Self.allocate(bits)
    for position in 0..<oldCount where old[position].length != 0 {
      var index = place(hash(old[position]))
      while slots[index].length != 0 { index = next(index) }
      slots[index] = old[position]
    }
    old.deallocate()
  }
}

// MARK: Hashing

extension WordTable {
  @inline(__always)
  private func mix(_ hash: UInt64, _ block: UInt64) -> UInt64 {
    let product = (hash ^ block) &* 0x9e37_79b9_7f4a_7c15
    return product ^ (product &>> 32)
  }

  @inline(__always)
  private func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> (64 &- bits)) }

  @inline(__always)
  private func next(_ index: Int) -> Int { (index &+ 1) & ((1 &<< Int(truncatingIfNeeded: bits)) &- 1) }

  @inline(__always)
  private func hash(_ length: Int, _ block: (Int) -> UInt64) -> UInt64 {
    var hash: UInt64 = 0
    for number in 0..<blockCount(length) { hash = mix(hash, block(number)) }
    return hash
  }

  private func hash(_ slot: Slot) -> UInt64 {
    hash(slot.length) { $0 == 0 ? slot.first : rest[slot.restStart + $0 - 1] }
  }
}

// MARK: Taking the counts out

extension WordTable {
  /// Counts on their way from one table to another: for each word its count, its length, and its blocks as text.
  struct Batch: Sendable {
    fileprivate var words: [UInt64] = []
    var isEmpty: Bool { words.isEmpty }
  }

  /// Returns the counts in as many batches as there are shards. A word goes to the same shard whatever table it is
  /// in.
  func split(into shards: Int) -> [Batch] {
    var batches = [Batch](repeating: Batch(), count: shards)
    for index in 0..<1 << bits where slots[index].length != 0 {
      let slot = slots[index]
      // The low bits are used: the high ones say where in the table a word is, and would put all words of a shard
      // close together.
      let shard = Int(truncatingIfNeeded: hash(slot) & 0xffff) % shards
      batches[shard].words.append(UInt64(slot.count))
      batches[shard].words.append(UInt64(slot.length))
      batches[shard].words.append(slot.first.littleEndian)
      for number in 1..<blockCount(slot.length) {
        batches[shard].words.append(rest[slot.restStart + number - 1].littleEndian)
      }
    }
    return batches
  }

  mutating func add(_ batch: Batch) {
    batch.words.withUnsafeBytes { bytes in
      var next = 0
      while next < bytes.count {
        let count = Int(bytes.load(fromByteOffset: next, as: UInt64.self))
        let length = Int(bytes.load(fromByteOffset: next + 8, as: UInt64.self))
        add(bytes.baseAddress! + next + 16, length: length, count: count)
        next += 16 + 8 * blockCount(length)
      }
    }
  }

  enum Order { case byCount, byWord }

  /// Returns the first `limit` words in an order: most frequent first and then by word, or by word alone.
  func ranking(_ order: Order, limit: Int) -> [RankedWord] {
    var best: [Int] = []
    func comesBefore(_ a: Int, _ b: Int) -> Bool {
      if order == .byCount && slots[a].count != slots[b].count { return slots[a].count > slots[b].count }
      return isWord(a, before: b)
    }
    for index in 0..<1 << bits where slots[index].length != 0 {
      best.append(index)
      // From time to time everything but the best is dropped, so that this never sorts all words to find ten.
      if limit < Int.max / 4, best.count >= 2 * limit + 1000 {
        best.sort(by: comesBefore)
        best.removeLast(best.count - limit)
      }
    }
    best.sort(by: comesBefore)
    return best.prefix(limit).map { RankedWord(word: text(slots[$0]), count: slots[$0].count) }
  }

  private func isWord(_ a: Int, before b: Int) -> Bool {
    let (a, b) = (slots[a], slots[b])
    if a.first != b.first { return a.first.byteSwapped < b.first.byteSwapped }
    for position in 1..<min(blockCount(a.length), blockCount(b.length)) {
      let (x, y) = (rest[a.restStart + position - 1], rest[b.restStart + position - 1])
      if x != y { return x.byteSwapped < y.byteSwapped }
    }
    return a.length < b.length
  }

  private func text(_ slot: Slot) -> String {
    String(unsafeUninitializedCapacity: blockCount(slot.length) * 8) { bytes in
      let memory = UnsafeMutableRawBufferPointer(bytes)
      for position in 0..<blockCount(slot.length) {
        let block = position == 0 ? slot.first : rest[slot.restStart + position - 1]
        memory.storeBytes(of: block.littleEndian, toByteOffset: position * 8, as: UInt64.self)
      }
      return slot.length
    }
  }
}

struct RankedWord: Sendable {
  let word: String
  let count: Int
}
