/// See `MailboxOptions.coalescing`.
final class CoalescingStore<Message: ~Copyable, Key: Hashable & Sendable>: RankingStore<Message>, @unchecked Sendable {
  private final class KeyedMessage: StoredMessage<Message>, @unchecked Sendable {
    let key: Key
    init(_ message: consuming Message, _ key: Key) {
      self.key = key
      super.init(message)
    }
  }
  private let capacity: Int
  private let key: @Sendable (borrowing Message) -> Key
  @exclusivity(unchecked) private var envelopes = EnvelopeList()
  @exclusivity(unchecked) private var byKey: [Key: KeyedMessage] = [:]

  init(_ capacity: Int, _ key: @escaping @Sendable (borrowing Message) -> Key) {
    self.capacity = capacity
    self.key = key
  }

  override func rankedEnvelope(for message: consuming Message) -> StoredMessage<Message> {
    let key = key(message)
    return KeyedMessage(message, key)
  }

  /// All sent messages in this store were put in their envelopes by it.
  private func keyed(_ envelope: Envelope) -> KeyedMessage { unsafeDowncast(envelope, to: KeyedMessage.self) }

  override func add(_ envelope: Envelope) -> Outcome {
    let envelope = keyed(envelope)
    let key = envelope.key
    if let earlier = byKey[key] {
      // The later message takes the earlier one's place; the new envelope leaves with the earlier message.
      let message = earlier.message.take()
      earlier.message = envelope.message.take()
      envelope.message = message
      return .evicted(envelope)
    }
    var out: Envelope?
    if byKey.count == capacity {
      let oldest = envelopes.popFirstMessage()
      byKey[keyed(oldest).key] = nil
      out = oldest
    }
    byKey[key] = envelope
    envelopes.append(envelope)
    return out.map { .evicted($0) } ?? .accepted
  }

  override func place(_ envelope: Envelope) -> Outcome {
    envelopes.append(envelope)
    return .accepted
  }

  override func remove() -> Envelope? {
    let envelope = envelopes.popFirst()
    if let envelope, envelope.wasSent { byKey[keyed(envelope).key] = nil }
    return envelope
  }
}
