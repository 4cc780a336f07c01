import Synchronization

/// What comes to an actor beside its queue: how it is posted, by anyone, and how the actor's worker takes it in.
extension Cell {
  /// Sends something beside the queue, and wakes the cell if it idles. False if the actor has ended.
  @discardableResult func post(_ envelope: Envelope) -> Bool {
    if isIntercepted { system.interceptor?.posts(envelope, to: self) }
    if let store {
      guard store.insert(envelope) != nil else { return false }
      post(ControlWord.envelopes)
      return true
    }
    // Acquiring: not before what the poster sent itself.
    let word = queue.pointee.tail.load(ordering: .acquiring)
    envelope.position = isBounded ? word >> TailWord.boundedShift : word >> TailWord.shift
    guard envelopes.push(envelope) else { return false }
    // Also if others are there already: whoever pushed the first may not have told the cell yet, and what
    // this poster sends next must not come before its envelope.
    post(ControlWord.envelopes)
    return true
  }

  @usableFromInline func open(_ envelope: Envelope) -> Envelope.Content {
    if isIntercepted { system.interceptor?.opens(envelope, in: self) }
    return envelope.open(self)
  }

  /// The envelope whose turn it is, if any. `head` is the index of the next message in the queue.
  @usableFromInline func nextEnvelope(at head: UInt) -> Envelope? {
    let rareState = rareState
    var envelope = rareState.front.popFirst()
    if envelope == nil, let position = rareState.placed.position, isReached(position, head) {
      envelope = rareState.placed.popFirst()
    }
    if let store {
      if envelope == nil, let stored = store.popFirst() {
        if isBounded && stored.wasSent { store.hasRoom(in: self) }
        envelope = stored
      }
      hasEnvelopes = rareState.hasEnvelopes || store.count > 0
    } else {
      hasEnvelopes = rareState.hasEnvelopes
    }
    return envelope
  }

  private func isReached(_ position: UInt, _ head: UInt) -> Bool {
    // A bounded index wraps.
    let mask = isBounded ? TailWord.boundedIndexMask : UInt.max
    return (head &- position) & mask <= mask / 2
  }

  /// On the cell's worker: takes in what has been posted.
  func collectEnvelopes() {
    let rareState = rareState
    rareState.placed.append(reversing: envelopes.take())
    hasEnvelopes = rareState.hasEnvelopes || (store?.count ?? 0) > 0
  }

  /// At the end: everything that has come beside the queue, and what is stashed, one after the other. Nothing
  /// comes any more.
  @usableFromInline func leftEnvelope() -> Envelope? {
    if let stack = envelopes.close() { rareState.placed.append(reversing: stack) }
    store?.close()
    while let envelope = store?.popFirst() {
      if envelope.isMessage { return envelope }
    }
    guard let rareState = existingRareState else { return nil }
    while let envelope = rareState.stash.popFirst() ?? rareState.front.popFirst() ?? rareState.placed.popFirst() {
      if envelope.isMessage { return envelope }
    }
    return nil
  }
}
