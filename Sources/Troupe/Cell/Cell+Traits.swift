/// What holds for a cell as long as it lives, by its options and its place. It is one byte, so a look at
/// several is one.
@usableFromInline struct CellTraits: ByteFlags, Sendable {
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
}

/// What changes seldom and is the cell's worker's own, in one byte.
@usableFromInline struct CellFlags: ByteFlags, Sendable {
  @usableFromInline var rawValue: UInt8
  @inlinable init(rawValue: UInt8 = 0) { self.rawValue = rawValue }

  @inlinable static var tracksIdleness: CellFlags { CellFlags(rawValue: 1) }
  @inlinable static var held: CellFlags { CellFlags(rawValue: 2) }
  @inlinable static var draining: CellFlags { CellFlags(rawValue: 4) }
  @inlinable static var highWater: CellFlags { CellFlags(rawValue: 8) }
  @inlinable static var restartable: CellFlags { CellFlags(rawValue: 16) }
}

/// A set of flags in one byte, so a look at several of them is one look. An option set would read the same and be slower,
/// because its literals are arrays.
@usableFromInline protocol ByteFlags {
  var rawValue: UInt8 { get set }
}

extension ByteFlags {
  /// Whether at least one of the flags in `other` is set.
  @inlinable func has(_ other: Self) -> Bool { rawValue & other.rawValue != 0 }
  @inlinable mutating func insert(_ other: Self) { rawValue |= other.rawValue }
  @inlinable mutating func remove(_ other: Self) { rawValue &= ~other.rawValue }
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
  @inlinable var isRestartable: Bool { flags.has(.restartable) }
  var tracksIdleness: Bool {
    get { flags.has(.tracksIdleness) }
    set { mark(.tracksIdleness, newValue) }
  }
  /// Asked to be suspended: also before it has started, and after a restart.
  var isHeld: Bool {
    get { flags.has(.held) }
    set { mark(.held, newValue) }
  }
  /// Handles what is queued, and then ends.
  @usableFromInline var isDraining: Bool {
    get { flags.has(.draining) }
    set { mark(.draining, newValue) }
  }
  /// The depth has been reported, and has not gone down since.
  var isHighWater: Bool {
    get { flags.has(.highWater) }
    set { mark(.highWater, newValue) }
  }
  private func mark(_ mark: CellFlags, _ isSet: Bool) {
    if isSet { flags.insert(mark) } else { flags.remove(mark) }
  }
}
