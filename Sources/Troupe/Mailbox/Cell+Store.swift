import Synchronization

extension Cell {
  var store: MailboxStore? { hasStore ? settings?.store : nil }

  /// A message for a mailbox of the second kind, or for any under the eyes of the test kit.
  @usableFromInline func pushOnSlowPath<Message: ~Copyable>(_ message: consuming Message) -> Push<Message> {
    guard isIntercepted, let interceptor = system.interceptor else { return storing(message) }
    let note = interceptor.sends(message, to: self)
    if hasStore { return storing(message, note) }
    let queue = MessageQueue<Message>(state: mailbox.queue)
    let outcome: Push<Message>
    if !isBounded {
      outcome = queue.push(message)
    } else if note.isRefused {
      outcome = .full(message)
    } else {
      outcome = queue.pushBounded(message)
    }
    switch consume outcome {
    case .done:
      interceptor.queues(note, in: self)
      return .done
    case .wake:
      interceptor.queues(note, in: self)
      return .wake
    case .closed(let message): return .closed(message)
    case .full(let message):
      if let message = overflowing(message) { return .full(message) }
      return .done
    }
  }

  private func storing<Message: ~Copyable>(_ message: consuming Message, _ note: SendNote? = nil) -> Push<Message> {
    if isBounded {
      if note?.isRefused == true { return .full(message) }
      switch MessageQueue<Message>(state: mailbox.queue).reserve(1, fair: true) {
      case .reserved: break
      case .full: return .full(message)
      case .closed: return .closed(message)
      }
    } else if mailbox.queue.pointee.tail.load(ordering: .acquiring) & TailWord.closed != 0 {
      return .closed(message)
    }
    return storingReserved(message, note)
  }

  /// Inserts a message into the store. If the mailbox is bounded, the caller has taken a permit of the queue
  /// for it; the queue itself stays empty.
  private func storingReserved<Message: ~Copyable>(_ message: consuming Message, _ note: SendNote?) -> Push<Message> {
    guard let store = settings?.store else { fatalError("Troupe: a mailbox has no store") }
    let envelope = store.envelope(for: message)
    envelope.number = note?.number ?? 0
    switch store.insert(envelope) {
    case .accepted: system.interceptor?.posts(envelope, to: self)
    case .evicted(let out):
      let reason: DeadLetter.Reason = out === envelope ? .replaced : .overflow
      _ = out.takeMessage(of: Message.self)
      deadLetter(reason, Message.self)
    case nil:
      // The permit is not given back: the mailbox is gone, so nobody waits for room.
      return .closed(envelope.message.take()!)
    }
    post(ControlWord.envelopes)
    return .done
  }

  /// Pushes a message into room that was taken for it. The message is refused only if the actor has ended.
  func pushReserved<Message: ~Copyable>(_ message: consuming Message) -> Push<Message> {
    let note = isIntercepted ? system.interceptor?.sends(message, to: self) : nil
    if hasStore { return isBounded ? storingReserved(message, note) : storing(message, note) }
    if let note { system.interceptor?.queues(note, in: self) }
    let queue = MessageQueue<Message>(state: mailbox.queue)
    return isBounded ? queue.pushPermitted(message) : queue.push(message)
  }

  /// A message has left a bounded store, on the cell's worker.
  func storeHasRoom<Message: ~Copyable>(_ queue: MessageQueue<Message>) {
    // Nobody to wake: the consumer is at work, and is told by its next look whether that was the end of a closed queue.
    _ = queue.releasePermits(1)
    // Sequentially consistent, as the step before it: see `reserve`.
    if queue.consumer.pointee.head.load(ordering: .sequentiallyConsistent) & HeadWord.roomWanted != 0 {
      waiters?.grant(queue)
    }
  }

  /// The bounded mailbox had no room for a message. Nil if that has been dealt with.
  @usableFromInline func overflowing<Message: ~Copyable>(_ message: consuming Message) -> Message? {
    switch settings?.overflow ?? .reject {
    case .reject: return message
    case .dropNewest:
      _ = consume message
      deadLetter(.overflow, Message.self)
      return nil
    case .fail:
      post(ControlWord.overflow)
      return message
    }
  }
}
