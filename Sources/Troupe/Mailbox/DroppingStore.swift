/// See `MailboxOptions.droppingOldest`.
final class DroppingStore: ParcelStore, @unchecked Sendable {
  private let capacity: Int
  @exclusivity(unchecked) private var parcels = ParcelList()
  @exclusivity(unchecked) private var messages = 0

  init(_ capacity: Int) { self.capacity = capacity }

  override func add(_ parcel: Parcel) -> Outcome {
    parcels.append(parcel)
    if messages == capacity { return .evicted(parcels.popFirstMessage()) }
    messages += 1
    return .accepted
  }

  override func place(_ parcel: Parcel) -> Outcome {
    parcels.append(parcel)
    return .accepted
  }

  override func remove() -> Parcel? {
    let parcel = parcels.popFirst()
    if let parcel, !parcel.isExempt { messages -= 1 }
    return parcel
  }
}
