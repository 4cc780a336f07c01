import Synchronization

extension Cell {
  var store: ParcelStore? { hasStore ? settings?.store : nil }

  /// A message for a mailbox of the second kind, or for any under the eyes of the test kit.
  @usableFromInline func pushAside<Message: ~Copyable>(_ message: consuming Message) -> Push<Message> {
    guard isIntercepted, let interceptor = system.interceptor else { return storing(message) }
    let note = interceptor.sends(message, to: self)
    if hasStore { return storing(message, note.number) }
    let queue = MessageQueue<Message>(state: queue)
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

  /// For a message that comes to its queue in another way, before it does.
  func noteSend<Message: ~Copyable>(_ message: borrowing Message) {
    guard isIntercepted, let interceptor = system.interceptor else { return }
    interceptor.queues(interceptor.sends(message, to: self), in: self)
  }

  func storing<Message: ~Copyable>(_ message: consuming Message, _ number: Int32 = 0) -> Push<Message> {
    guard let store = settings?.store else { fatalError("Troupe: a mailbox has no store") }
    if queue.pointee.tail.load(ordering: .acquiring) & TailWord.closed != 0 { return .closed(message) }
    let parcel = MessageParcel<Message>(message)
    parcel.number = number
    switch store.insert(parcel, exempt: false) {
    case .accepted: system.interceptor?.posts(parcel, to: self)
    case .evicted(let out):
      let reason: DeadLetter.Reason = out === parcel ? .replaced : .overflow
      _ = unsafeDowncast(out, to: MessageParcel<Message>.self).take()
      deadLetter(reason, Message.self)
    case nil: return .closed(parcel.take()!)
    }
    post(ControlWord.parcels)
    return .done
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

  // MARK: High water

  /// At the end of a turn that left messages behind: on the cell's worker.
  @usableFromInline func noteDepth(_ depth: UInt) {
    let limit = UInt(system.options.highWater)
    guard limit > 0, !isBounded else { return }
    if depth >= limit {
      if isHighWater { return }
      isHighWater = true
      system.report(.highWater(ActorID(self), depth: Int(depth)))
    } else if depth < limit / 2 {
      isHighWater = false
    }
  }
}
