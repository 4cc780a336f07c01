import Synchronization

/// What comes to an actor beside its queue and takes its place among the queued messages: a notice, a timer's
/// message, a result of its own work. It is exempt from the mailbox's bound, and never refused while the
/// actor lives.
///
/// Sendable because it belongs to whoever posts it, then to the list that it is in, then to the actor's worker.
///
/// It is a timer, since what comes may come at a time; only those that the wheel was given fire.
@usableFromInline package class Envelope: Timer, @unchecked Sendable {
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
  @exclusivity(unchecked) final var ignoresBound = false
  /// A timer that has been cancelled. Touched by the actor's worker.
  @exclusivity(unchecked) final var isReplaced = false
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

/// An envelope with a message of the actor's type.
@usableFromInline package class MessageEnvelope<Message: ~Copyable>: Envelope, @unchecked Sendable {
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

/// Envelopes on their way to an actor: a stack that anyone pushes to.
struct EnvelopeStack: ~Copyable, Sendable {
  /// 0, or the bits of the last envelope; when closed, 1 with the bits of what was linked, which is a multiple of two.
  private let top = Atomic<UInt>(0)
  private static var closed: UInt { 1 }

  /// False if it is closed. Whoever pushed tells the cell.
  func push(_ envelope: Envelope) -> Bool {
    var bits = top.load(ordering: .relaxed)
    let pushed = Unmanaged.passRetained(envelope)
    while bits & Self.closed == 0 {
      envelope.nextEnvelope = UnsafeRawPointer(bitPattern: bits).map { Unmanaged.fromOpaque($0) }
      // Releasing: publishes the envelope. Pairs with the exchanges below.
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
  func take() -> Unmanaged<Envelope>? {
    UnsafeRawPointer(bitPattern: top.exchange(0, ordering: .acquiring)).map { .fromOpaque($0) }
  }
  /// For a cell that begins anew, and that nobody else has.
  func reset() { top.store(0, ordering: .relaxed) }
  func close() -> Unmanaged<Envelope>? {
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

/// Envelopes in line, the first to come first. It holds them.
struct EnvelopeList {
  private var first: Unmanaged<Envelope>?
  private var last: Unmanaged<Envelope>?
  private(set) var count = 0

  var isEmpty: Bool { first == nil }
  /// The position of the first.
  var position: UInt? { first?._withUnsafeGuaranteedRef { $0.position } }

  mutating func append(_ envelope: Envelope) { append(Unmanaged.passRetained(envelope)) }

  private mutating func append(_ envelope: Unmanaged<Envelope>) {
    envelope._withUnsafeGuaranteedRef { $0.nextEnvelope = nil }
    if let last { last._withUnsafeGuaranteedRef { $0.nextEnvelope = envelope } } else { first = envelope }
    last = envelope
    count += 1
  }

  /// What `EnvelopeStack` gave: the last first.
  mutating func append(reversing stack: Unmanaged<Envelope>?) {
    guard let stack else { return }
    // The top is the last of them, the bottom the first.
    var reversed: Unmanaged<Envelope>?
    var each: Unmanaged<Envelope>? = stack
    while let envelope = each {
      each = envelope._withUnsafeGuaranteedRef {
        let below = $0.nextEnvelope
        $0.nextEnvelope = reversed
        return below
      }
      reversed = envelope
      count += 1
    }
    if let last { last._withUnsafeGuaranteedRef { $0.nextEnvelope = reversed } } else { first = reversed }
    last = stack
  }

  /// Puts another list before this one; that is empty then.
  mutating func prepend(_ other: inout EnvelopeList) {
    guard let otherLast = other.last else { return }
    otherLast._withUnsafeGuaranteedRef { $0.nextEnvelope = first }
    if last == nil { last = otherLast }
    first = other.first
    count += other.count
    other = EnvelopeList()
  }

  mutating func popFirst() -> Envelope? {
    guard let envelope = first else { return nil }
    first = envelope._withUnsafeGuaranteedRef { $0.nextEnvelope }
    if first == nil { last = nil }
    count -= 1
    return envelope.takeRetainedValue()
  }
}

extension Envelope {
  /// Retained by the list.
  @inline(__always) fileprivate final var nextEnvelope: Unmanaged<Envelope>? {
    get { next.map { .fromOpaque($0.toOpaque()) } }
    set { next = newValue.map { .fromOpaque($0.toOpaque()) } }
  }
}
