/// See `MailboxOptions.coalescing`.
final class CoalescingStore<Message: ~Copyable, Key: Hashable & Sendable>: MailboxStore, @unchecked Sendable {
  private final class KeyBox {
    let key: Key
    init(_ key: Key) { self.key = key }
  }
  private let capacity: Int
  private let key: @Sendable (borrowing Message) -> Key
  @exclusivity(unchecked) private var envelopes = EnvelopeList()
  @exclusivity(unchecked) private var byKey: [Key: MessageEnvelope<Message>] = [:]

  init(_ capacity: Int, _ key: @escaping @Sendable (borrowing Message) -> Key) {
    self.capacity = capacity
    self.key = key
  }

  override func prepare(_ envelope: Envelope) {
    let envelope = unsafeDowncast(envelope, to: MessageEnvelope<Message>.self)
    envelope.tag = KeyBox(key(envelope.message!))
  }

  private func key(of envelope: Envelope) -> Key {
    guard let box = unsafeDowncast(envelope, to: MessageEnvelope<Message>.self).tag as? KeyBox else {
      fatalError("Troupe: a message has no key")
    }
    return box.key
  }

  override func add(_ envelope: Envelope) -> Outcome {
    let key = key(of: envelope)
    let envelope = unsafeDowncast(envelope, to: MessageEnvelope<Message>.self)
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
      byKey[self.key(of: oldest)] = nil
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
    if let envelope, !envelope.ignoresBound { byKey[key(of: envelope)] = nil }
    return envelope
  }
}
