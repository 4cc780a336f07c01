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

extension Envelope {
  /// Retained by the list.
  @inline(__always) final var nextEnvelope: Unmanaged<Envelope>? {
    get { next.map { .fromOpaque($0.toOpaque()) } }
    set { next = newValue.map { .fromOpaque($0.toOpaque()) } }
  }
}
