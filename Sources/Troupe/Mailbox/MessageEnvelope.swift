/// An envelope with a message of the actor's type.
@usableFromInline package class MessageEnvelope<Message: ~Copyable>: Envelope, @unchecked Sendable {
  /// The message, until it is taken. The result of work is not there before the work is over.
  @usableFromInline @exclusivity(unchecked) final var message: Message?

  @inlinable init(_ message: consuming Message?) { self.message = message }

  override func open(_ cell: Cell) -> Content { .message }
  override var isMessage: Bool { true }
}

extension Envelope {
  /// Takes the message out of an envelope that holds one: either `open` has said so, or `isMessage` says so at the end
  /// of the actor. The message is of the actor's type, which the envelope itself does not know.
  @inlinable final func takeMessage<Message: ~Copyable>(of type: Message.Type) -> Message? {
    // A class has one superclass, so what an actor's timer sends cannot be in a `MessageEnvelope` as well.
    if isActorTimer { return unsafeDowncast(self, to: MessageTimer<Message>.self).message.take() }
    return unsafeDowncast(self, to: MessageEnvelope<Message>.self).message.take()
  }
}
