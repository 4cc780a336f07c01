/// Something that comes to an actor beside its queue, and takes its place among the queued messages: the notice of
/// an ended actor, the message of a timer, the result of the actor's own work. The bound of a mailbox does not apply
/// to it, and no mailbox refuses it while the actor lives.
///
/// Sendable because it belongs to whoever posts it, then to the list that it is in, then to the actor's worker.
@usableFromInline package class Envelope: @unchecked Sendable {
  /// What an envelope turns out to hold when its turn has come.
  @usableFromInline package enum Content {
    /// The behavior handles a message, which `takeMessage` takes out.
    case message
    /// The behavior is told a signal.
    case signal(Signal)
    /// The behavior is told nothing: the envelope has lost its meaning on the way, as a cancelled timer does, or it
    /// was meant for the actor's cell alone.
    case nothing
  }

  // The owner's, one after the other, so they are exempt from exclusivity checks, each of which is a call.

  /// The next envelope in the list that this one is in. An envelope is in one list at a time, and that list has the
  /// reference count of each of its envelopes.
  @exclusivity(unchecked) final var next: Unmanaged<Envelope>?
  /// The index of the queue's tail when the envelope was posted. The envelope is handled when the consumer's index
  /// has reached it. A mailbox with a store has an order of its own, and leaves this at 0.
  @exclusivity(unchecked) final var position: UInt = 0
  /// The number by which the test kit knows the message; 0 if nobody has given it one.
  @exclusivity(unchecked) package final var number: Int32 = 0

  @usableFromInline init() {}

  /// Says what the envelope holds, and does what has to be done before the behavior hears of it. The actor's worker
  /// calls this once, when the envelope's turn has come.
  func open(_ cell: Cell) -> Content { .nothing }

  /// Whether a message is lost, and becomes a dead letter, if the envelope is not opened any more. The actor's worker
  /// asks at the end of the actor.
  var isMessage: Bool { false }

  /// Whether the envelope holds a message that somebody has sent, as it does in a mailbox that keeps sent messages in
  /// a store. The rule of the store applies to these, and to nothing else.
  var wasSent: Bool { false }

  /// Whether this is an `ActorTimer`. To ask is cheaper than a cast.
  @usableFromInline var isActorTimer: Bool { false }

  /// Called when the envelope is dropped unopened at the end of the actor, unless it is a message.
  func actorEnds() {}
}
