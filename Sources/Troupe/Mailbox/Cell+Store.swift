import Synchronization

extension Cell {
  var store: ParcelStore? { hasStore ? settings?.store : nil }

  /// A message for a mailbox of the second kind.
  @usableFromInline func storing<Message: ~Copyable>(_ message: consuming Message) -> Push<Message> {
    guard let store = settings?.store else { fatalError("Troupe: a mailbox has no store") }
    if queue.pointee.tail.load(ordering: .acquiring) & TailWord.closed != 0 { return .closed(message) }
    let parcel = MessageParcel<Message>(message)
    switch store.insert(parcel, exempt: false) {
    case .accepted: break
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
