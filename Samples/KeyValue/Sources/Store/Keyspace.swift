/// The stores that a piece of work may use: one in a shard, and in the coordinator those that it has been lent.
struct Keyspace {
  /// One place for each shard. Those that the work does not need may be empty.
  var stores: [Store?]

  /// The shard that a key belongs to.
  static func shard(of key: Bytes, among count: Int) -> Int {
    // The upper half of the hash, since tables use the lower one.
    Int((ByteHash.hash(key) >> 32) * UInt64(count) >> 32)
  }

  /// The store that a key belongs to. If this work has not got it, its command has named its keys wrongly in
  /// the table of commands, and the program stops.
  func store(of key: Bytes) -> Store {
    guard let store = stores[stores.count == 1 ? 0 : Self.shard(of: key, among: stores.count)] else {
      fatalError("KeyValue: a command uses a key that the table of commands does not name")
    }
    return store
  }

  /// All stores that are there.
  var present: [Store] { stores.compactMap { $0 } }
}
