/// What holds for a cell as long as it lives, by its options and its place. It is one byte, so a look at
/// several is one.
@usableFromInline struct CellTraits: Sendable {
  @usableFromInline var rawValue: UInt8
  @inlinable init(rawValue: UInt8 = 0) { self.rawValue = rawValue }

  @inlinable static var bounded: CellTraits { CellTraits(rawValue: 1) }
  /// The mailbox is one of the second kind, and the queue stays empty.
  @inlinable static var store: CellTraits { CellTraits(rawValue: 2) }
  /// In a system of the test kit.
  @inlinable static var intercepted: CellTraits { CellTraits(rawValue: 4) }
  /// The mailbox is not the plain unbounded one.
  @inlinable static var special: CellTraits { CellTraits(rawValue: 1 | 2 | 4) }
  /// It ends when the last handle has gone: see `Handle`.
  @inlinable static var counted: CellTraits { CellTraits(rawValue: 8) }
  /// Somebody hears of its life: an observer, or the test kit.
  @inlinable static var observed: CellTraits { CellTraits(rawValue: 16) }
  /// It does not run on the pool: `settings` say where.
  @inlinable static var dispatcher: CellTraits { CellTraits(rawValue: 32) }
  /// There are settings.
  @inlinable static var settings: CellTraits { CellTraits(rawValue: 64) }

  /// Whether one of these is set. An option set would be as long to read, and slower: its literals are arrays.
  @inlinable func has(_ other: CellTraits) -> Bool { rawValue & other.rawValue != 0 }
  @inlinable mutating func insert(_ other: CellTraits) { rawValue |= other.rawValue }
}

/// What changes seldom and is the cell's worker's own, in one byte.
@usableFromInline struct CellFlags: Sendable {
  @usableFromInline var rawValue: UInt8
  @inlinable init(rawValue: UInt8 = 0) { self.rawValue = rawValue }

  @inlinable static var tracksIdleness: CellFlags { CellFlags(rawValue: 1) }
  @inlinable static var held: CellFlags { CellFlags(rawValue: 2) }
  @inlinable static var draining: CellFlags { CellFlags(rawValue: 4) }
  @inlinable static var highWater: CellFlags { CellFlags(rawValue: 8) }
  @inlinable static var restartable: CellFlags { CellFlags(rawValue: 16) }

  @inlinable func has(_ other: CellFlags) -> Bool { rawValue & other.rawValue != 0 }
  @inlinable mutating func insert(_ other: CellFlags) { rawValue |= other.rawValue }
  @inlinable mutating func remove(_ other: CellFlags) { rawValue &= ~other.rawValue }
}

extension Cell {
  @inlinable var isBounded: Bool { traits.has(.bounded) }
  @inlinable var hasStore: Bool { traits.has(.store) }
  @inlinable var isIntercepted: Bool { traits.has(.intercepted) }
  @inlinable var needsSlowSend: Bool { traits.has(.special) }
  @inlinable var endsUnreferenced: Bool { traits.has(.counted) }
  var isObserved: Bool { traits.has(.observed) }
  var hasOwnDispatcher: Bool { traits.has(.dispatcher) }

  /// There is a factory.
  @inlinable var isRestartable: Bool { marks.has(.restartable) }
  var tracksIdleness: Bool {
    get { marks.has(.tracksIdleness) }
    set { mark(.tracksIdleness, newValue) }
  }
  /// Asked to be suspended: also before it has started, and after a restart.
  var isHeld: Bool {
    get { marks.has(.held) }
    set { mark(.held, newValue) }
  }
  /// Handles what is queued, and then ends.
  @usableFromInline var isDraining: Bool {
    get { marks.has(.draining) }
    set { mark(.draining, newValue) }
  }
  /// The depth has been reported, and has not gone down since.
  var isHighWater: Bool {
    get { marks.has(.highWater) }
    set { mark(.highWater, newValue) }
  }
  private func mark(_ mark: CellFlags, _ isSet: Bool) {
    if isSet { marks.insert(mark) } else { marks.remove(mark) }
  }
}
