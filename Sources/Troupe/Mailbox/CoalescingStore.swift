/// See `MailboxOptions.coalescing`.
final class CoalescingStore<Message: ~Copyable, Key: Hashable & Sendable>: ParcelStore, @unchecked Sendable {
  private final class KeyBox {
    let key: Key
    init(_ key: Key) { self.key = key }
  }
  private let capacity: Int
  private let key: @Sendable (borrowing Message) -> Key
  @exclusivity(unchecked) private var parcels = ParcelList()
  @exclusivity(unchecked) private var byKey: [Key: MessageParcel<Message>] = [:]

  init(_ capacity: Int, _ key: @escaping @Sendable (borrowing Message) -> Key) {
    self.capacity = capacity
    self.key = key
  }

  override func prepare(_ parcel: Parcel) {
    let parcel = unsafeDowncast(parcel, to: MessageParcel<Message>.self)
    parcel.tag = KeyBox(key(parcel.message!))
  }

  private func key(of parcel: Parcel) -> Key {
    guard let box = unsafeDowncast(parcel, to: MessageParcel<Message>.self).tag as? KeyBox else {
      fatalError("Troupe: a message has no key")
    }
    return box.key
  }

  override func add(_ parcel: Parcel) -> Outcome {
    let key = key(of: parcel)
    let parcel = unsafeDowncast(parcel, to: MessageParcel<Message>.self)
    if let earlier = byKey[key] {
      // The later message takes the earlier one's place; the new parcel leaves with the earlier message.
      let message = earlier.message.take()
      earlier.message = parcel.message.take()
      parcel.message = message
      return .evicted(parcel)
    }
    var out: Parcel?
    if byKey.count == capacity {
      let oldest = parcels.popFirstMessage()
      byKey[self.key(of: oldest)] = nil
      out = oldest
    }
    byKey[key] = parcel
    parcels.append(parcel)
    return out.map { .evicted($0) } ?? .accepted
  }

  override func place(_ parcel: Parcel) -> Outcome {
    parcels.append(parcel)
    return .accepted
  }

  override func remove() -> Parcel? {
    let parcel = parcels.popFirst()
    if let parcel, !parcel.isExempt { byKey[key(of: parcel)] = nil }
    return parcel
  }
}
