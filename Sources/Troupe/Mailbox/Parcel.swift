import Synchronization

/// What comes to an actor beside its queue and takes its place among the queued messages: a notice, a timer's
/// message, a result of its own work. It is exempt from the mailbox's bound, and never refused while the
/// actor lives.
///
/// Sendable because it belongs to whoever posts it, then to the list that it is in, then to the actor's worker.
///
/// It is a timer, since what comes may come at a time; only those that the wheel was given fire.
@usableFromInline package class Parcel: Timer, @unchecked Sendable {
  @usableFromInline package enum Content {
    case message
    case signal(Signal)
    /// It has lost its meaning on the way: a cancelled timer.
    case nothing
  }

  /// Its turn comes when the consumer's index has reached this one, that of the tail when it was posted.
  final var position: UInt {
    get { UInt(bitPattern: place) }
    set { place = Int(bitPattern: newValue) }
  }

  /// No message that was sent: no rule of a mailbox applies. Set before it is posted.
  @exclusivity(unchecked) final var isExempt = false
  /// A timer that has been cancelled. Touched by the actor's worker.
  @exclusivity(unchecked) final var isForgotten = false
  @usableFromInline enum Kind: UInt8 {
    case plain
    /// A timer that fires once.
    case once
    /// A timer that makes its messages.
    case repeating
  }
  @usableFromInline final let kind: Kind
  /// Of a timer with a key.
  @usableFromInline var keyHash: Int { 0 }

  @usableFromInline init(_ kind: Kind = .plain, deadline: Int64 = .max) {
    self.kind = kind
    super.init(deadline: deadline)
  }

  /// The interceptor's.
  @exclusivity(unchecked) package final var number: Int32 = 0

  /// On the actor's worker, once, when its turn has come.
  func open(_ cell: Cell) -> Content { .message }
  /// Whether a message is lost with it. On the actor's worker, at the end.
  func isMessage(_ cell: Cell) -> Bool { true }
}

/// A parcel with a message of the actor's type.
@usableFromInline package class MessageParcel<Message: ~Copyable>: Parcel, @unchecked Sendable {
  @usableFromInline @exclusivity(unchecked) final var message: Message?
  /// A store's own; of a timer, how it goes on.
  @usableFromInline @exclusivity(unchecked) final var tag: AnyObject?

  @inlinable init(
    _ message: consuming Message?, _ kind: Kind = .plain, deadline: Int64 = .max, tag: AnyObject? = nil
  ) {
    self.message = message
    self.tag = tag
    super.init(kind, deadline: deadline)
  }

  /// After `open` said that it is a message.
  @inlinable final func take() -> Message? {
    if kind == .repeating { return make() }
    return message.take()
  }
  @usableFromInline func make() -> Message? { nil }
}

/// Parcels on their way to an actor: a stack that anyone pushes to.
struct ParcelState: ~Copyable, Sendable {
  /// 0, or the bits of the last parcel; when closed, 1 with the bits of what was linked, which is a multiple of two.
  private let top = Atomic<UInt>(0)
  private static var closed: UInt { 1 }

  /// False if it is closed. Whoever pushed tells the cell.
  func push(_ parcel: Parcel) -> Bool {
    var bits = top.load(ordering: .relaxed)
    let pushed = Unmanaged.passRetained(parcel)
    while bits & Self.closed == 0 {
      parcel.nextParcel = UnsafeRawPointer(bitPattern: bits).map { Unmanaged.fromOpaque($0) }
      // Releasing: publishes the parcel. Pairs with the exchanges below.
      let (exchanged, seen) = top.weakCompareExchange(
        expected: bits, desired: UInt(bitPattern: pushed.toOpaque()), successOrdering: .releasing,
        failureOrdering: .relaxed)
      if exchanged { return true }
      bits = seen
    }
    pushed.release()
    return false
  }

  /// What has been pushed, the last first.
  func take() -> Unmanaged<Parcel>? {
    UnsafeRawPointer(bitPattern: top.exchange(0, ordering: .acquiring)).map { .fromOpaque($0) }
  }
  /// For a cell that begins anew, and that nobody else has.
  func reset() { top.store(0, ordering: .relaxed) }
  func close() -> Unmanaged<Parcel>? {
    let bits = top.exchange(Self.closed, ordering: .acquiring)
    return bits & Self.closed != 0 ? nil : UnsafeRawPointer(bitPattern: bits).map { .fromOpaque($0) }
  }

  /// Of a cell that has ended. The word is closed, and whoever pushes leaves it as it is then, so it is free
  /// to be a link in a stack. Relaxed: the stack publishes it.
  func link(_ bits: UInt) { top.store(bits | Self.closed, ordering: .relaxed) }
  var link: UInt {
    let bits = top.load(ordering: .relaxed)
    assert(bits & Self.closed != 0)
    return bits & ~Self.closed
  }
}

/// Parcels in line, the first to come first. It holds them.
struct ParcelList {
  private var first: Unmanaged<Parcel>?
  private var last: Unmanaged<Parcel>?
  private(set) var count = 0

  var isEmpty: Bool { first == nil }
  /// The position of the first.
  var position: UInt? { first?._withUnsafeGuaranteedRef { $0.position } }

  mutating func append(_ parcel: Parcel) { append(Unmanaged.passRetained(parcel)) }

  private mutating func append(_ parcel: Unmanaged<Parcel>) {
    parcel._withUnsafeGuaranteedRef { $0.nextParcel = nil }
    if let last { last._withUnsafeGuaranteedRef { $0.nextParcel = parcel } } else { first = parcel }
    last = parcel
    count += 1
  }

  /// What `ParcelState` gave: the last first.
  mutating func append(reversing stack: Unmanaged<Parcel>?) {
    guard let stack else { return }
    // The top is the last of them, the bottom the first.
    var reversed: Unmanaged<Parcel>?
    var each: Unmanaged<Parcel>? = stack
    while let parcel = each {
      each = parcel._withUnsafeGuaranteedRef {
        let below = $0.nextParcel
        $0.nextParcel = reversed
        return below
      }
      reversed = parcel
      count += 1
    }
    if let last { last._withUnsafeGuaranteedRef { $0.nextParcel = reversed } } else { first = reversed }
    last = stack
  }

  /// Puts another list before this one; that is empty then.
  mutating func prepend(_ other: inout ParcelList) {
    guard let otherLast = other.last else { return }
    otherLast._withUnsafeGuaranteedRef { $0.nextParcel = first }
    if last == nil { last = otherLast }
    first = other.first
    count += other.count
    other = ParcelList()
  }

  mutating func popFirst() -> Parcel? {
    guard let parcel = first else { return nil }
    first = parcel._withUnsafeGuaranteedRef { $0.nextParcel }
    if first == nil { last = nil }
    count -= 1
    return parcel.takeRetainedValue()
  }
}

extension Parcel {
  /// Retained by the list.
  @inline(__always) fileprivate final var nextParcel: Unmanaged<Parcel>? {
    get { next.map { .fromOpaque($0.toOpaque()) } }
    set { next = newValue.map { .fromOpaque($0.toOpaque()) } }
  }
}
