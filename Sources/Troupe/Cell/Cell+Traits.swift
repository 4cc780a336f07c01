/// What holds for a cell as long as it lives, because of its options and its system. All of it is in one byte, so that
/// one look can ask for several traits.
@usableFromInline struct CellTraits: ByteFlags, Sendable {
  @usableFromInline var rawValue: UInt8
  @inlinable init(rawValue: UInt8 = 0) { self.rawValue = rawValue }

  @inlinable static var bounded: CellTraits { CellTraits(rawValue: 1) }
  /// The mailbox has a store, and the queue stays empty.
  @inlinable static var store: CellTraits { CellTraits(rawValue: 2) }
  /// An interceptor sees what happens to the cell, which is so in a system of the test kit.
  @inlinable static var intercepted: CellTraits { CellTraits(rawValue: 4) }
  /// A message to the cell takes the slow way, for one of the three reasons above.
  @inlinable static var slowPath: CellTraits { CellTraits(rawValue: 1 | 2 | 4) }
  /// The cell ends when the last handle has gone: see `CountedReference`.
  @inlinable static var endsUnreferenced: CellTraits { CellTraits(rawValue: 8) }
  /// An observer or the test kit wants to hear of the cell's life.
  @inlinable static var observed: CellTraits { CellTraits(rawValue: 16) }
  /// The cell does not run on the pool. Its settings say where it runs.
  @inlinable static var dispatcher: CellTraits { CellTraits(rawValue: 32) }
  /// The cell has a `CellSettings`.
  @inlinable static var settings: CellTraits { CellTraits(rawValue: 64) }
}

/// What changes seldom in a cell's life and is touched only by the cell's worker, in one byte. The extension of `Cell`
/// below says what each flag means.
@usableFromInline struct CellFlags: ByteFlags, Sendable {
  @usableFromInline var rawValue: UInt8
  @inlinable init(rawValue: UInt8 = 0) { self.rawValue = rawValue }

  @inlinable static var tracksIdleness: CellFlags { CellFlags(rawValue: 1) }
  @inlinable static var suspendRequested: CellFlags { CellFlags(rawValue: 2) }
  @inlinable static var draining: CellFlags { CellFlags(rawValue: 4) }
  @inlinable static var highWater: CellFlags { CellFlags(rawValue: 8) }
  @inlinable static var restartable: CellFlags { CellFlags(rawValue: 16) }
}

/// A set of flags in one byte, so a look at several of them is one look. An option set would read the same and be
/// slower, because its literals are arrays.
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
  @inlinable var needsSlowPath: Bool { traits.has(.slowPath) }
  @inlinable var endsUnreferenced: Bool { traits.has(.endsUnreferenced) }
  var isObserved: Bool { traits.has(.observed) }
  var hasOwnDispatcher: Bool { traits.has(.dispatcher) }

  /// Whether the cell has a factory, with which it can make the behavior anew.
  @inlinable var isRestartable: Bool { flags.has(.restartable) }
  /// Whether the time of the last message has to be noted, because the actor has a receive timeout.
  var tracksIdleness: Bool {
    get { flags.has(.tracksIdleness) }
    set { mark(.tracksIdleness, newValue) }
  }
  /// Whether somebody has asked that the actor be suspended. This may have been before it started or in an earlier
  /// incarnation, so the phase does not say it.
  var isSuspendRequested: Bool {
    get { flags.has(.suspendRequested) }
    set { mark(.suspendRequested, newValue) }
  }
  /// Whether the actor handles what is queued, and then ends.
  @usableFromInline var isDraining: Bool {
    get { flags.has(.draining) }
    set { mark(.draining, newValue) }
  }
  /// Whether the length of the mailbox has been reported, and has not gone down to half of the limit since.
  var isHighWater: Bool {
    get { flags.has(.highWater) }
    set { mark(.highWater, newValue) }
  }
  private func mark(_ mark: CellFlags, _ isSet: Bool) {
    if isSet { flags.insert(mark) } else { flags.remove(mark) }
  }
}
