/// What holds for a cell as long as it lives, by its options and its place. It is one byte, so a look at
/// several is one.
@usableFromInline struct Traits: Sendable {
  @usableFromInline var rawValue: UInt8
  @inlinable init(rawValue: UInt8 = 0) { self.rawValue = rawValue }

  @inlinable static var bounded: Traits { Traits(rawValue: 1) }
  /// The mailbox is one of the second kind, and the queue stays empty.
  @inlinable static var store: Traits { Traits(rawValue: 2) }
  /// In a system of the test kit.
  @inlinable static var intercepted: Traits { Traits(rawValue: 4) }
  /// The mailbox is not the plain unbounded one.
  @inlinable static var special: Traits { Traits(rawValue: 1 | 2 | 4) }
  /// It ends when the last handle has gone: see `Handle`.
  @inlinable static var counted: Traits { Traits(rawValue: 8) }
  /// Somebody hears of its life: an observer, or the test kit.
  @inlinable static var observed: Traits { Traits(rawValue: 16) }
  /// It does not run on the pool: `settings` say where.
  @inlinable static var dispatcher: Traits { Traits(rawValue: 32) }
  /// There are settings.
  @inlinable static var settings: Traits { Traits(rawValue: 64) }

  /// Whether one of these is set. An option set would be as long to read, and slower: its literals are arrays.
  @inlinable func has(_ other: Traits) -> Bool { rawValue & other.rawValue != 0 }
  @inlinable mutating func insert(_ other: Traits) { rawValue |= other.rawValue }
}

/// What changes seldom and is the cell's worker's own, in one byte.
@usableFromInline struct Marks: Sendable {
  @usableFromInline var rawValue: UInt8
  @inlinable init(rawValue: UInt8 = 0) { self.rawValue = rawValue }

  @inlinable static var tracksIdleness: Marks { Marks(rawValue: 1) }
  @inlinable static var held: Marks { Marks(rawValue: 2) }
  @inlinable static var draining: Marks { Marks(rawValue: 4) }
  @inlinable static var highWater: Marks { Marks(rawValue: 8) }
  @inlinable static var restartable: Marks { Marks(rawValue: 16) }

  @inlinable func has(_ other: Marks) -> Bool { rawValue & other.rawValue != 0 }
  @inlinable mutating func insert(_ other: Marks) { rawValue |= other.rawValue }
  @inlinable mutating func remove(_ other: Marks) { rawValue &= ~other.rawValue }
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
  private func mark(_ mark: Marks, _ isSet: Bool) {
    if isSet { marks.insert(mark) } else { marks.remove(mark) }
  }
}
