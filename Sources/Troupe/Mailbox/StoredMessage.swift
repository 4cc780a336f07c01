/// The envelope of a message that was sent to a mailbox with a store. A rule that has to know more than the message
/// adds that in a subclass.
class StoredMessage<Message: ~Copyable>: MessageEnvelope<Message>, @unchecked Sendable {
  override var wasSent: Bool { true }
}
