/// A table whose keys are byte strings: the keys of a shard, the fields of a hash, the members of a set.
///
/// A `Dictionary` would need an array for each key that is looked up. This one is asked with a view of the bytes as
/// they came from the network. Its slots lie one after the other without gaps, so that taking one at random, or looking
/// at all a few at a time, needs no search. Slots whose hashes end alike are chained.
final class ByteTable<Value> {
  struct Slot {
    let key: [UInt8]
    let hash: UInt32
    /// The next slot of the chain, or -1.
    fileprivate(set) var next: Int32
    var value: Value
  }

  // Exclusive access is not checked, because a table belongs to one actor and none of its functions calls foreign code
  // while it changes something.
  @exclusivity(unchecked) private(set) var slots: [Slot] = []
  /// The first slot of each chain, or -1. Its count is a power of two.
  @exclusivity(unchecked) private var heads: [Int32] = [-1]

  var count: Int { slots.count }
  var isEmpty: Bool { slots.isEmpty }

  /// The place of a key. It stays the same until a slot is removed.
  func find(_ key: Bytes) -> Int? { find(key, hash: UInt32(truncatingIfNeeded: ByteHash.hash(key))) }

  private func find(_ key: Bytes, hash: UInt32) -> Int? {
    var index = heads[chain(hash)]
    while index >= 0 {
      let place = Int(index)
      if slots[place].hash == hash && isEqual(slots[place].key, key) { return place }
      index = slots[place].next
    }
    return nil
  }

  private func chain(_ hash: UInt32) -> Int { Int(hash) & (heads.count - 1) }

  func contains(_ key: Bytes) -> Bool { find(key) != nil }

  /// The value in a slot.
  subscript(place: Int) -> Value {
    get { slots[place].value }
    _modify { yield &slots[place].value }
  }

  func key(at place: Int) -> [UInt8] { slots[place].key }

  /// The value of a key.
  func value(of key: Bytes) -> Value? { find(key).map { slots[$0].value } }

  /// Sets the value of a key. Returns whether the key is new.
  @discardableResult func set(_ key: Bytes, _ value: Value) -> Bool {
    let hash = UInt32(truncatingIfNeeded: ByteHash.hash(key))
    if let place = find(key, hash: hash) {
      slots[place].value = value
      return false
    }
    insert(Array(key), hash, value)
    return true
  }

  /// Puts in a key that is not there yet, and returns its place.
  @discardableResult func insert(_ key: [UInt8], _ value: Value) -> Int {
    let hash = key.withUnsafeBytes { UInt32(truncatingIfNeeded: ByteHash.hash($0)) }
    return insert(key, hash, value)
  }

  @discardableResult private func insert(_ key: [UInt8], _ hash: UInt32, _ value: Value) -> Int {
    if slots.count == heads.count { resize(2 * heads.count) }
    let head = chain(hash)
    slots.append(Slot(key: key, hash: hash, next: heads[head], value: value))
    heads[head] = Int32(slots.count - 1)
    return slots.count - 1
  }

  /// Removes a key. Returns its value, or nil if it was not there.
  @discardableResult func remove(_ key: Bytes) -> Value? { find(key).map { remove(at: $0).value } }

  /// Removes a slot. The last slot moves into its place.
  @discardableResult func remove(at place: Int) -> Slot {
    link(to: Int32(place), becomes: slots[place].next)
    let last = slots.count - 1
    if place != last { link(to: Int32(last), becomes: Int32(place)) }
    slots.swapAt(place, last)
    let removed = slots.removeLast()
    if heads.count > 16 && slots.count * 8 < heads.count { resize(heads.count / 2) }
    return removed
  }

  /// Lets the link that leads to a slot lead somewhere else.
  private func link(to place: Int32, becomes new: Int32) {
    let head = chain(slots[Int(place)].hash)
    if heads[head] == place {
      heads[head] = new
      return
    }
    var index = Int(heads[head])
    while slots[index].next != place { index = Int(slots[index].next) }
    slots[index].next = new
  }

  func removeAll() {
    slots = []
    heads = [-1]
  }

  private func resize(_ count: Int) {
    heads = Array(repeating: -1, count: count)
    for index in slots.indices {
      let head = chain(slots[index].hash)
      slots[index].next = heads[head]
      heads[head] = Int32(index)
    }
  }

  /// A copy with the same keys and values.
  func copy() -> ByteTable {
    let copy = ByteTable()
    copy.slots = slots
    copy.heads = heads
    return copy
  }
}

// MARK: Memory

extension ByteTable {
  /// What one more slot takes, without its key and what its value refers to.
  var bytesPerSlot: Int { MemoryLayout<Slot>.stride + MemoryLayout<Int32>.stride }

  /// The bytes that it takes, as an estimate from so many of its slots. `value` tells what a value refers to.
  func footprint(samples: Int, _ value: (Value) -> Int) -> Int {
    Footprint.block(Footprint.head + MemoryLayout<(slots: [Slot], heads: [Int32])>.size)
      + Footprint.array(slots.capacity, of: MemoryLayout<Slot>.stride)
      + Footprint.array(heads.capacity, of: MemoryLayout<Int32>.stride)
      + Footprint.sum(count, samples: samples) { slots[$0].key.footprint + value(slots[$0].value) }
  }
}

// MARK: Iteration by cursor

extension ByteTable {
  /// Calls `body` with the places of about `count` slots, beginning at a cursor, which is 0 at first. Returns the next
  /// cursor, or 0 at the end. `body` must not change the table.
  ///
  /// A key that is there during the whole iteration is seen at least once, however the table grows and shrinks
  /// meanwhile. The cursor counts through the chains with its bits reversed, which is the algorithm of Redis' `SCAN` by
  /// Pieter Noordhuis: when the number of chains doubles, a chain that has been seen becomes two that are behind the
  /// cursor both.
  func scan(from cursor: UInt32, count: Int, _ body: (Int) -> Void) -> UInt32 {
    let mask = UInt32(heads.count - 1)
    var cursor = cursor
    var seen = 0
    var chains = 0
    repeat {
      var index = heads[Int(cursor & mask)]
      while index >= 0 {
        body(Int(index))
        seen += 1
        index = slots[Int(index)].next
      }
      chains += 1
      cursor |= ~mask
      cursor = reversed(reversed(cursor) &+ 1)
      // Empty chains cost something too.
    } while cursor != 0 && seen < count && chains < 10 * count
    return cursor
  }

  private func reversed(_ value: UInt32) -> UInt32 {
    var value = value
    value = (value >> 1 & 0x5555_5555) | (value & 0x5555_5555) << 1
    value = (value >> 2 & 0x3333_3333) | (value & 0x3333_3333) << 2
    value = (value >> 4 & 0x0f0f_0f0f) | (value & 0x0f0f_0f0f) << 4
    return value.byteSwapped
  }
}
