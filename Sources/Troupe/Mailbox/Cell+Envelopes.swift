import Synchronization

/// Envelopes, which come to an actor beside its queue: how any thread posts one, and how the actor's worker takes it in
/// and opens it at its place among the messages.
extension Cell {
  /// Posts an envelope to this actor and wakes it if it idles. Returns false if the actor has ended. Any thread may
  /// call this. It takes no lock, unless the mailbox has a store.
  @discardableResult func post(_ envelope: Envelope) -> Bool {
    if isIntercepted { system.interceptor?.posts(envelope, to: self) }
    if let store {
      guard store.insert(envelope) != nil else { return false }
      post(ControlWord.envelopes)
      return true
    }
    // Acquiring: the index must not be older than that of a message which the poster sent before, or learned of. Pairs
    // with the releasing exchange in `MessageQueue.push`.
    let word = mailbox.queue.pointee.tail.load(ordering: .acquiring)
    envelope.position = isBounded ? word >> TailWord.boundedShift : word >> TailWord.shift
    guard mailbox.envelopes.push(envelope) else { return false }
    // The cell is told even if other envelopes are there already. Whoever pushed the first of them may not have told it
    // yet, and what this poster sends next must not be handled before its envelope.
    post(ControlWord.envelopes)
    return true
  }

  /// Opens an envelope whose turn has come, and says what is in it. Called on the cell's worker.
  @usableFromInline func open(_ envelope: Envelope) -> Envelope.Content {
    if isIntercepted { system.interceptor?.opens(envelope, in: self) }
    return envelope.open(self)
  }

  /// Takes the envelope whose turn it is, if there is one, and notes whether others wait. Unstashed messages come
  /// before everything else. `head` is the index of the next message in the queue. Called on the cell's worker, and
  /// only while `hasEnvelopes` is true.
  @usableFromInline func nextEnvelope(at head: UInt) -> Envelope? {
    var envelope: Envelope?
    hasEnvelopes = false
    withExistingRareState { rareState in
      envelope = rareState.front.popFirst()
      if envelope == nil, let position = rareState.placed.position, isReached(position, head) {
        envelope = rareState.placed.popFirst()
      }
      hasEnvelopes = rareState.hasEnvelopes
    }
    if let store {
      if envelope == nil, let stored = store.popFirst() {
        if isBounded && stored.wasSent { store.hasRoom(in: self) }
        envelope = stored
      }
      if store.count > 0 { hasEnvelopes = true }
    }
    return envelope
  }

  /// Whether the consumer has taken everything that was sent before the envelope with this position was posted.
  private func isReached(_ position: UInt, _ head: UInt) -> Bool {
    // The index of a bounded queue wraps, so the two are compared by their difference.
    let mask = isBounded ? TailWord.boundedIndexMask : UInt.max
    return (head &- position) & mask <= mask / 2
  }

  /// Takes in all envelopes that have been posted. Called on the cell's worker, when the control lane says so.
  func collectEnvelopes() {
    withRareState {
      $0.placed.append(reversing: mailbox.envelopes.take())
      hasEnvelopes = $0.hasEnvelopes
    }
    if let store, store.count > 0 { hasEnvelopes = true }
  }

  /// Takes the next envelope with a message that the ended actor leaves behind, or the next stashed message. Returns
  /// nil when there is none left. The first call closes the mailbox to envelopes. Called on the cell's worker, when the
  /// actor ends.
  @usableFromInline func leftEnvelope() -> Envelope? {
    if let stack = mailbox.envelopes.close() { rareState.placed.append(reversing: stack) }
    store?.close()
    while let envelope = store?.popFirst() {
      if envelope.isMessage { return envelope }
      envelope.actorEnds()
    }
    guard let rareState = existingRareState else { return nil }
    while let envelope = rareState.stash.popFirst() ?? rareState.front.popFirst() ?? rareState.placed.popFirst() {
      if envelope.isMessage { return envelope }
      envelope.actorEnds()
    }
    return nil
  }
}
