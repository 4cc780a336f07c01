/// The timers of an actor by their keys: a hash table with open addressing and linear probing.
///
/// Not a dictionary: to look a key up it need not be boxed as an `AnyHashable`, and a timer holds its own key. Keys of different types differ.
/// Touched by the actor's worker alone. What depends on the type of a key is specialised where the timer is set.
@usableFromInline final class TimerTable {
  @usableFromInline struct Entry {
    @usableFromInline var hash: Int
    /// Holds one count.
    @usableFromInline var timer: Unmanaged<Parcel>?

    @inlinable init(hash: Int, timer: Unmanaged<Parcel>?) {
      self.hash = hash
      self.timer = timer
    }
  }

  @usableFromInline @exclusivity(unchecked) var entries = UnsafeMutableBufferPointer<Entry>(start: nil, count: 0)
  @usableFromInline @exclusivity(unchecked) var count = 0

  init() {}

  deinit {
    for entry in entries { entry.timer?.release() }
    entries.deallocate()
  }

  var isEmpty: Bool { count == 0 }

  /// Integers that follow each other lie side by side, eight to a group, and groups anywhere: a table that is larger than the caches costs a
  /// miss for some keys in a row, not for each.
  @inlinable static func hash<Key: Hashable>(_ key: Key) -> Int {
    guard let bits = key as? Int else { return key.hashValue }
    // The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
    var group = UInt(bitPattern: bits) >> 3 &+ 0x9E37_79B9_7F4A_7C15
    group = (group ^ (group >> 30)) &* 0xBF58_476D_1CE4_E5B9
    group = (group ^ (group >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int(bitPattern: (group ^ (group >> 31)) << 3 | UInt(bitPattern: bits) & 7)
  }

  @inlinable @inline(__always) func place(of hash: Int) -> Int { hash & (entries.count - 1) }

  /// Where the key is, or else the empty place where it belongs.
  @inlinable func find<Message: ~Copyable, Key: Hashable>(_ key: Key, _ hash: Int, _: Message.Type) -> Int {
    var place = place(of: hash)
    while let timer = entries[place].timer {
      if entries[place].hash == hash
        && timer._withUnsafeGuaranteedRef({
          type(of: $0) == KeyedTimer<Message, Key>.self
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

  /// Returns the timer that had the key before.
  @inlinable func set<Message: ~Copyable, Key: Hashable>(_ timer: KeyedTimer<Message, Key>) -> Parcel? {
    // At most three quarters are in use.
    if (count + 1) * 4 > entries.count * 3 { grow() }
    let place = find(timer.key, timer.hash, Message.self)
    let before = entries[place].timer
    entries[place] = Entry(hash: timer.hash, timer: .passRetained(timer))
    if before == nil { count += 1 }
    return before?.takeRetainedValue()
  }

  @inlinable func remove<Message: ~Copyable, Key: Hashable>(_ key: Key, _ type: Message.Type) -> Parcel? {
    count == 0 ? nil : remove(at: find(key, Self.hash(key), type))
  }

  /// Whether this very timer is here.
  func contains(_ timer: Parcel) -> Bool { place(of: timer) != nil }

  /// False if it is not here: another has taken its key, or it was cancelled.
  func remove(_ timer: Parcel) -> Bool {
    guard let place = place(of: timer) else { return false }
    return remove(at: place) != nil
  }

  /// Puts another timer with the same key in the place of one that is here.
  func replace(_ timer: Parcel, by other: Parcel) {
    guard let place = place(of: timer) else { return }
    entries[place].timer = .passRetained(other)
    Unmanaged.passUnretained(timer).release()
  }

  private func place(of timer: Parcel) -> Int? {
    if count == 0 { return nil }
    let bits = Unmanaged.passUnretained(timer).toOpaque()
    var place = place(of: timer.keyHash)
    while let each = entries[place].timer {
      if each.toOpaque() == bits { return place }
      place = (place + 1) & (entries.count - 1)
    }
    return nil
  }

  @usableFromInline func remove(at place: Int) -> Parcel? {
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
    entries = .allocate(capacity: max(4, old.count * 2))
    entries.initialize(repeating: Entry(hash: 0, timer: nil))
    for entry in old where entry.timer != nil {
      var place = place(of: entry.hash)
      while entries[place].timer != nil { place = (place + 1) & (entries.count - 1) }
      entries[place] = entry
    }
    old.deallocate()
  }

  /// Takes all out.
  func removeAll(_ body: (Parcel) -> Void) {
    let old = entries
    entries = UnsafeMutableBufferPointer(start: nil, count: 0)
    count = 0
    for entry in old { if let timer = entry.timer { body(timer.takeRetainedValue()) } }
    old.deallocate()
  }
}
