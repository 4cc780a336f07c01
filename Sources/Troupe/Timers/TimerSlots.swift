/// The slots of a hierarchical timing wheel (Varghese and Lauck, 1987).
///
/// Time is counted in ticks. A level has 64 slots. A slot of the lowest level is one tick, and a slot of any other
/// spans the 64 slots of the level below. A timer lies in the level of the highest digit, to the base 64, in which its
/// tick and `position` differ, so no level wraps round. When the position comes to a slot of a higher level, its timers
/// move down; so a timer moves at most once for each level. A bit for each slot says whether it has timers, so empty
/// time costs nothing, however long it is.
///
/// It must not be used by several threads at once. Each call touches a bounded number of timers.
struct TimerSlots: ~Copyable {
  private static let levels = 8  // 48 bits; the largest deadline has the tick 2^47
  private let lists: UnsafeMutablePointer<TimerList>
  /// For each level, one bit for each slot that has timers.
  private let occupied: UnsafeMutablePointer<UInt64>
  /// The current tick: what is due before or at it has been taken, or is in the slot of this tick.
  private var position: Int64 = 0
  /// The slot whose timers are moving down, and the tick at which it ends. Until all have moved, new timers for that
  /// time are put behind them.
  private var descending = 0
  private var descentEnd: Int64 = 0

  init() {
    lists = .allocate(capacity: Self.levels * 64)
    lists.initialize(repeating: TimerList(), count: Self.levels * 64)
    occupied = .allocate(capacity: Self.levels)
    occupied.initialize(repeating: 0, count: Self.levels)
  }

  deinit {
    // Nobody takes these timers any more, so each loses the count that it had for being here.
    for place in 0..<Self.levels * 64 { while let timer = lists[place].popFirst() { timer.release() } }
    lists.deallocate()
    occupied.deallocate()
  }

  /// The first tick at which the deadline has passed, so that no timer is early.
  @inline(__always)
  static func tick(of deadline: Int64) -> Int64 {
    (deadline >> tickBits) + (deadline & (1 << tickBits - 1) == 0 ? 0 : 1)
  }
  /// The number of ticks that have passed.
  static func ticks(until now: Int64) -> Int64 { now >> tickBits }
  static func time(of tick: Int64) -> Int64 { tick > Int64.max >> tickBits ? .max : tick << tickBits }
  /// The length of a tick is 2^16 ns, 66 microseconds.
  static let tickBits: Int64 = 16

  /// Adds a timer, and returns the tick at which it is due. For a deadline that has passed it is the next tick.
  @inline(__always)
  mutating func insert(_ timer: Unmanaged<Timer>) -> Int64 {
    let tick = max(timer._withUnsafeGuaranteedRef { Self.tick(of: $0.deadline) }, position + 1)
    if tick < descentEnd { append(timer, to: descending) } else { place(timer, at: tick) }
    return tick
  }

  @inline(__always)
  private mutating func place(_ timer: Unmanaged<Timer>, at tick: Int64) {
    let level = (63 - (tick ^ position | 1).leadingZeroBitCount) / 6
    append(timer, to: level * 64 + Int((tick >> Int64(level * 6)) & 63))
  }

  @inline(__always)
  private mutating func append(_ timer: Unmanaged<Timer>, to place: Int) {
    timer._withUnsafeGuaranteedRef { $0.place = Int32(truncatingIfNeeded: place) }
    occupied[place >> 6] |= 1 << UInt64(place & 63)
    lists[place].append(timer)
  }

  /// Removes a timer. The caller takes over its reference count.
  @inline(__always)
  mutating func remove(_ timer: Unmanaged<Timer>) {
    let place = timer._withUnsafeGuaranteedRef { Int($0.place) }
    lists[place].remove(timer)
    clearIfEmpty(place)
  }

  @inline(__always)
  private mutating func clearIfEmpty(_ place: Int) {
    if lists[place].isEmpty { occupied[place >> 6] &= ~(1 << UInt64(place & 63)) }
  }

  /// The first slot that has timers, and the tick at which it begins.
  private var first: (place: Int, tick: Int64)? {
    // All that lies in a level comes before all that lies in the next one.
    for level in 0..<Self.levels where occupied[level] != 0 {
      let shift = Int64(level * 6)
      let slot = occupied[level].trailingZeroBitCount
      return (level * 64 + slot, (position >> (shift + 6)) << (shift + 6) | Int64(slot) << shift)
    }
    return nil
  }

  /// The next tick at which there is something to do, if there is one.
  var nextTick: Int64? { descentEnd != 0 ? position : first?.tick }

  enum Step {
    /// These timers are due. They are a chain by `nextTimer`, marked as taken, and the number is its length.
    case due(Unmanaged<Timer>?, Int)
    /// There may be more to do.
    case more
    /// Nothing is due any more.
    case over
  }

  /// Goes one step towards the tick `now`. Due timers come in the order of their ticks, and for the same tick in the
  /// order in which they were inserted. The cost depends only on the timers that are due or move down, not on the time
  /// that has passed or on the number of other timers.
  mutating func step(to now: Int64, limit: Int) -> Step {
    if descentEnd != 0 { return descend(limit) }
    guard let (place, tick) = first, tick <= now else {
      position = max(position, now)
      return .over
    }
    position = tick
    if place >= 64 {
      descending = place
      descentEnd = tick + (1 << Int64((place >> 6) * 6))
      return descend(limit)
    }
    let (chain, count) = lists[place].take(limit)
    clearIfEmpty(place)
    return .due(chain, count)
  }

  private mutating func descend(_ limit: Int) -> Step {
    for _ in 0..<limit {
      guard let timer = lists[descending].popFirst() else { break }
      place(timer, at: max(timer._withUnsafeGuaranteedRef { Self.tick(of: $0.deadline) }, position))
    }
    if lists[descending].isEmpty {
      clearIfEmpty(descending)
      descentEnd = 0
    }
    return .more
  }
}
