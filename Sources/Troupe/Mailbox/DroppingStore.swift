/// See `MailboxOptions.droppingOldest`.
final class DroppingStore: MailboxStore, @unchecked Sendable {
  private let capacity: Int
  @exclusivity(unchecked) private var envelopes = EnvelopeList()
  @exclusivity(unchecked) private var messages = 0

  init(_ capacity: Int) { self.capacity = capacity }

  override func add(_ envelope: Envelope) -> Outcome {
    envelopes.append(envelope)
    if messages == capacity { return .evicted(envelopes.popFirstMessage()) }
    messages += 1
    return .accepted
  }

  override func place(_ envelope: Envelope) -> Outcome {
    envelopes.append(envelope)
    return .accepted
  }

  override func remove() -> Envelope? {
    let envelope = envelopes.popFirst()
    if let envelope, envelope.wasSent { messages -= 1 }
    return envelope
  }
}
