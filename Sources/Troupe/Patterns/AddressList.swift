/// Addresses in the order in which they came, each of them once. All addresses of one actor can be removed together.
///
/// Adding and removing take O(1) on average. The order does not depend on hashes, which differ from run to run.
struct AddressList<Message: ~Copyable> {
  private var places: [Address<Message>?] = []
  private var place: [Address<Message>: Int] = [:]
  private var byActor: [ActorID: [Address<Message>]] = [:]

  var count: Int { place.count }
  var isEmpty: Bool { place.isEmpty }
  var all: [Address<Message>] { places.compactMap { $0 } }

  func contains(_ actor: ActorID) -> Bool { byActor[actor] != nil }

  /// Adds an address. Returns false if it is there already.
  mutating func insert(_ address: Address<Message>) -> Bool {
    guard place[address] == nil else { return false }
    place[address] = places.count
    places.append(address)
    byActor[address.actor, default: []].append(address)
    return true
  }

  /// Removes an address. Returns false if it is not there.
  @discardableResult mutating func remove(_ address: Address<Message>) -> Bool {
    guard let index = place.removeValue(forKey: address) else { return false }
    places[index] = nil
    let left = byActor[address.actor, default: []].filter { $0 != address }
    byActor[address.actor] = left.isEmpty ? nil : left
    compact()
    return true
  }

  /// Removes all addresses that lead to an actor, and returns them.
  @discardableResult mutating func remove(_ actor: ActorID) -> [Address<Message>] {
    let gone = byActor[actor] ?? []
    for address in gone { remove(address) }
    return gone
  }

  private mutating func compact() {
    guard places.count > 16 && places.count > 2 * place.count else { return }
    places = places.filter { $0 != nil }
    for (index, address) in places.enumerated() {
      if let address { place[address] = index }
    }
  }
}
