import Synchronization

/// What comes to an actor beside its queue and takes its place among the queued messages: a notice, a timer's message, a
/// result of its own work. It is exempt from the mailbox's bound, and never refused while the actor lives.
///
/// Sendable because it belongs to whoever posts it, then to the list that it is in, then to the actor's worker.
@usableFromInline package class Parcel: @unchecked Sendable {
  @usableFromInline package enum Content {
    case message
    case signal(Signal)
    /// It has lost its meaning on the way: a cancelled timer.
    case nothing
  }

  /// Its turn comes when the consumer's index has reached this one, that of the tail when it was posted.
  @exclusivity(unchecked) final var position: UInt = 0
  /// Retained by the list.
  @exclusivity(unchecked) final var next: Unmanaged<Parcel>?

  /// No message that was sent: no rule of a mailbox applies. Set before it is posted.
  @exclusivity(unchecked) final var isExempt = false

  /// On the actor's worker, once, when its turn has come.
  func open(_ cell: Cell) -> Content { .message }
  /// Whether a message is lost with it. On the actor's worker, at the end.
  func isMessage(_ cell: Cell) -> Bool { true }
}

/// A parcel with a message of the actor's type.
@usableFromInline package class MessageParcel<Message: ~Copyable>: Parcel, @unchecked Sendable {
  @exclusivity(unchecked) final var message: Message?
  /// A store's own.
  @exclusivity(unchecked) final var tag: AnyObject?

  init(_ message: consuming Message?) { self.message = message }

  /// After `open` said that it is a message.
  @usableFromInline func take() -> Message? { message.take() }
}

/// Parcels on their way to an actor: a stack that anyone pushes to.
struct ParcelState: ~Copyable, Sendable {
  /// 0, 1 when closed, or the bits of the last parcel.
  private let top = Atomic<UInt>(0)
  private static var closed: UInt { 1 }

  /// False if it is closed.
  func push(_ parcel: Parcel) -> Bool {
    var bits = top.load(ordering: .relaxed)
    let pushed = Unmanaged.passRetained(parcel)
    while bits != Self.closed {
      parcel.next = UnsafeRawPointer(bitPattern: bits).map { Unmanaged.fromOpaque($0) }
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
  func close() -> Unmanaged<Parcel>? {
    let bits = top.exchange(Self.closed, ordering: .acquiring)
    return bits == Self.closed ? nil : UnsafeRawPointer(bitPattern: bits).map { .fromOpaque($0) }
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
    parcel._withUnsafeGuaranteedRef { $0.next = nil }
    if let last { last._withUnsafeGuaranteedRef { $0.next = parcel } } else { first = parcel }
    last = parcel
    count += 1
  }

  /// What `ParcelState` gave: the last first.
  mutating func append(reversing stack: Unmanaged<Parcel>?) {
    var reversed: Unmanaged<Parcel>?
    var each = stack
    while let parcel = each {
      each = parcel._withUnsafeGuaranteedRef {
        let below = $0.next
        $0.next = reversed
        return below
      }
      reversed = parcel
    }
    while let parcel = reversed {
      reversed = parcel._withUnsafeGuaranteedRef { $0.next }
      append(parcel)
    }
  }

  /// Puts another list before this one; that is empty then.
  mutating func prepend(_ other: inout ParcelList) {
    guard let otherLast = other.last else { return }
    otherLast._withUnsafeGuaranteedRef { $0.next = first }
    if last == nil { last = otherLast }
    first = other.first
    count += other.count
    other = ParcelList()
  }

  mutating func popFirst() -> Parcel? {
    guard let parcel = first else { return nil }
    first = parcel._withUnsafeGuaranteedRef { $0.next }
    if first == nil { last = nil }
    count -= 1
    return parcel.takeRetainedValue()
  }
}
