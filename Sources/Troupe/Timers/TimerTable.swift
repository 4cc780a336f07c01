/// The timers of an actor by their keys: a hash table with open addressing and linear probing.
///
/// Not a dictionary: to look a key up it need not be boxed as an `AnyHashable`, and a timer holds its own key. Keys of different types differ.
/// Touched by the actor's worker alone.
struct TimerTable: ~Copyable {
  private struct Entry {
    var hash: Int
    /// Holds one count.
    var timer: Unmanaged<ActorTimer>?
  }

  private var entries = UnsafeMutableBufferPointer<Entry>(start: nil, count: 0)
  private(set) var count = 0

  init() {}

  deinit {
    for entry in entries { entry.timer?.release() }
    entries.deallocate()
  }

  private func place(of hash: Int) -> Int { hash & (entries.count - 1) }

  /// Where the key is, or else the empty place where it belongs.
  private func find(_ key: some Hashable, _ hash: Int) -> Int {
    var place = place(of: hash)
    while let timer = entries[place].timer {
      if entries[place].hash == hash && timer._withUnsafeGuaranteedRef({ $0.hasKey(key) }) { return place }
      place = (place + 1) & (entries.count - 1)
    }
    return place
  }

  func timer(for key: some Hashable) -> ActorTimer? {
    count == 0 ? nil : entries[find(key, key.hashValue)].timer?.takeUnretainedValue()
  }

  /// Returns the timer that had the key before.
  mutating func set(_ timer: ActorTimer, for key: some Hashable) -> ActorTimer? {
    // At most three quarters are in use.
    if (count + 1) * 4 > entries.count * 3 { grow() }
    let place = find(key, timer.keyHash)
    let before = entries[place].timer
    entries[place] = Entry(hash: timer.keyHash, timer: .passRetained(timer))
    if before == nil { count += 1 }
    return before?.takeRetainedValue()
  }

  mutating func remove(_ key: some Hashable) -> ActorTimer? {
    count == 0 ? nil : remove(at: find(key, key.hashValue))
  }

  /// Whether this very timer is here.
  func contains(_ timer: ActorTimer) -> Bool { place(of: timer) != nil }

  /// False if it is not here: another has taken its key, or it was cancelled.
  mutating func remove(_ timer: ActorTimer) -> Bool {
    guard let place = place(of: timer) else { return false }
    return remove(at: place) != nil
  }

  /// Puts another timer with the same key in the place of one that is here.
  mutating func replace(_ timer: ActorTimer, by other: ActorTimer) {
    guard let place = place(of: timer) else { return }
    entries[place].timer = .passRetained(other)
    Unmanaged.passUnretained(timer).release()
  }

  private func place(of timer: ActorTimer) -> Int? {
    if count == 0 { return nil }
    let bits = Unmanaged.passUnretained(timer).toOpaque()
    var place = place(of: timer.keyHash)
    while let each = entries[place].timer {
      if each.toOpaque() == bits { return place }
      place = (place + 1) & (entries.count - 1)
    }
    return nil
  }

  private mutating func remove(at place: Int) -> ActorTimer? {
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

  private mutating func grow() {
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
  mutating func removeAll(_ body: (ActorTimer) -> Void) {
    let old = entries
    entries = UnsafeMutableBufferPointer(start: nil, count: 0)
    count = 0
    for entry in old { if let timer = entry.timer { body(timer.takeRetainedValue()) } }
    old.deallocate()
  }
}
