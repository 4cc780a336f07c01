internal import CTroupeShims
import TroupeChannels

/// The timers of an actor by their keys: a hash table with open addressing and linear probing.
///
/// A dictionary would have to box each key as an `AnyHashable` to look it up; here a timer holds its own key. Keys of
/// different types are different. Only the actor's worker touches it. What depends on the type of a key is specialised
/// where the timer is set.
@usableFromInline final class TimerTable {
  @usableFromInline struct Entry {
    @usableFromInline var hash: Int
    /// The timer, of which the table holds one reference count.
    @usableFromInline var timer: Unmanaged<ActorTimer>?

    @inlinable init(hash: Int, timer: Unmanaged<ActorTimer>?) {
      self.hash = hash
      self.timer = timer
    }
  }

  @usableFromInline @exclusivity(unchecked) var entries = UnsafeMutableBufferPointer<Entry>(start: nil, count: 0)
  @usableFromInline @exclusivity(unchecked) var count = 0
  /// When there are so many timers, memory for the next ones is readied.
  @usableFromInline @exclusivity(unchecked) var expected = TimerTable.expectedTogether

  /// So many timers are expected to follow, once there are as many.
  private static let expectedTogether = 512
  /// About what a timer takes whose message and key are small.
  private static let timerBytes = 112

  init() {}

  deinit {
    for entry in entries { entry.timer?.release() }
    Self.free(entries)
  }

  var isEmpty: Bool { count == 0 }

  /// Hashes a key. Consecutive integers lie side by side in groups of eight, and the groups are spread over the table.
  /// So in a table that is larger than the caches only some keys in a row cost a cache miss, and not each.
  @inlinable static func hash<Key: Hashable>(_ key: Key) -> Int {
    guard let bits = key as? Int else { return key.hashValue }
    // The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
    var group = UInt(bitPattern: bits) >> 3 &+ 0x9E37_79B9_7F4A_7C15
    group = (group ^ (group >> 30)) &* 0xBF58_476D_1CE4_E5B9
    group = (group ^ (group >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int(bitPattern: (group ^ (group >> 31)) << 3 | UInt(bitPattern: bits) & 7)
  }

  @inlinable @inline(__always) func place(of hash: Int) -> Int { hash & (entries.count - 1) }

  /// The place of the key, or else the empty place where it belongs.
  @inlinable func find<Message: ~Copyable, Key: Hashable>(_ key: Key, _ hash: Int, _: Message.Type) -> Int {
    var place = place(of: hash)
    while let timer = entries[place].timer {
      if entries[place].hash == hash
        && timer._withUnsafeGuaranteedRef({
          (type(of: $0) == KeyedTimer<Message, Key>.self || type(of: $0) == RepeatingTimer<Message, Key>.self)
            && unsafeDowncast($0, to: KeyedTimer<Message, Key>.self).key == key
        })
      {
        return place
      }
      place = (place + 1) & (entries.count - 1)
    }
    return place
  }

  @inlinable func hasTimer<Message: ~Copyable, Key: Hashable>(for key: Key, _ type: Message.Type) -> Bool {
    count != 0 && entries[find(key, Self.hash(key), type)].timer != nil
  }

  /// Adds a timer. Returns the timer that had the key before.
  @inlinable func set<Message: ~Copyable, Key: Hashable>(_ timer: KeyedTimer<Message, Key>) -> ActorTimer? {
    // At most three quarters of the places are in use.
    if (count + 1) * 4 > entries.count * 3 { grow() }
    let place = find(timer.key, timer.hash, Message.self)
    let before = entries[place].timer
    entries[place] = Entry(hash: timer.hash, timer: .passRetained(timer))
    if before == nil {
      count += 1
      if count >= expected { expectMore() }
    }
    return before?.takeRetainedValue()
  }

  @inlinable func remove<Message: ~Copyable, Key: Hashable>(_ key: Key, _ type: Message.Type) -> ActorTimer? {
    count == 0 ? nil : remove(at: find(key, Self.hash(key), type))
  }

  /// Whether this very timer is in the table.
  func contains(_ timer: ActorTimer) -> Bool { place(of: timer) != nil }

  /// Removes this very timer. Returns false if it is not here, because it was cancelled or another one has its key.
  func remove(_ timer: ActorTimer) -> Bool {
    guard let place = place(of: timer) else { return false }
    return remove(at: place) != nil
  }

  /// Puts another timer with the same key in the place of one that is in the table.
  func replace(_ timer: ActorTimer, by other: ActorTimer) {
    guard let place = place(of: timer) else { return }
    entries[place].timer = .passRetained(other)
    Unmanaged.passUnretained(timer).release()
  }

  private func place(of timer: ActorTimer) -> Int? {
    if count == 0 { return nil }
    let bits = Unmanaged.passUnretained(timer).toOpaque()
    var place = place(of: timer.hash)
    while let each = entries[place].timer {
      if each.toOpaque() == bits { return place }
      place = (place + 1) & (entries.count - 1)
    }
    return nil
  }

  @usableFromInline func remove(at place: Int) -> ActorTimer? {
    guard let removed = entries[place].timer else { return nil }
    count -= 1
    // What was pushed on past the gap moves back, so that a search may end at an empty place.
    let mask = entries.count - 1
    var (gap, next) = (place, (place + 1) & mask)
    while entries[next].timer != nil {
      if (next &- self.place(of: entries[next].hash)) & mask >= (next &- gap) & mask {
        entries[gap] = entries[next]
        gap = next
      }
      next = (next + 1) & mask
    }
    entries[gap].timer = nil
    return removed.takeRetainedValue()
  }

  @usableFromInline func grow() {
    let old = entries
    entries = Self.allocate(max(4, old.count * 2))
    for entry in old where entry.timer != nil {
      var place = place(of: entry.hash)
      while entries[place].timer != nil { place = (place + 1) & (entries.count - 1) }
      entries[place] = entry
    }
    Self.free(old)
  }

  /// Allocates `count` empty places, a power of two.
  ///
  /// A large table is in huge pages if the system has them. Its places are looked at in no order, so that most looks
  /// would need an entry of the processor's table of pages that is not cached.
  private static func allocate(_ count: Int) -> UnsafeMutableBufferPointer<Entry> {
    let bytes = count * MemoryLayout<Entry>.stride
    let memory =
      bytes < RawMemory.hugePage
      ? RawMemory.allocate(bytes, alignment: MemoryLayout<Entry>.alignment) : RawMemory.allocateHugePages(bytes)
    let entries = UnsafeMutableBufferPointer(start: memory.bindMemory(to: Entry.self, capacity: count), count: count)
    entries.initialize(repeating: Entry(hash: 0, timer: nil))
    return entries
  }

  private static func free(_ entries: UnsafeMutableBufferPointer<Entry>) {
    if let start = entries.baseAddress { RawMemory.free(start) }
  }

  /// An actor that has set so many timers, more than ever before, usually sets as many again, each of which is a new
  /// object.
  @usableFromInline func expectMore() {
    expected = count + Self.expectedTogether
    troupe_expect_allocations(Self.expectedTogether * Self.timerBytes)
  }

  /// Takes all timers out.
  func removeAll(_ body: (ActorTimer) -> Void) {
    let old = entries
    entries = UnsafeMutableBufferPointer(start: nil, count: 0)
    count = 0
    for entry in old { if let timer = entry.timer { body(timer.takeRetainedValue()) } }
    Self.free(old)
  }
}
