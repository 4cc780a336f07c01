import Troupe

/// Does what concerns several shards, such as `MSET`, `RENAME` and `EXEC`: it borrows their stores, works on them, and
/// gives them back.
///
/// What it does is atomic, because nobody else has the stores meanwhile. There is one coordinator, so two of them
/// cannot wait for each other's stores.
struct Coordinator: Behavior {
  enum Message {
    case perform(Work, ShardSet)
    case lent(Store, shard: Int)
  }

  private let shards: [Address<Shard.Message>]
  private var jobs: [(work: Work, shards: ShardSet)] = []
  /// The stores that have been lent.
  private var keyspace: Keyspace
  /// The shards that have been asked for their stores; none if nothing is under way.
  private var borrowed: ShardSet = []
  private var missing: ShardSet = []

  init(_ shards: [Address<Shard.Message>]) {
    self.shards = shards
    keyspace = Keyspace(stores: Array(repeating: nil, count: shards.count))
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .perform(let work, let shards):
      jobs.append((work, shards))
      if borrowed.isEmpty { borrow(context) }
    case .lent(let store, let shard):
      store.now = WallClock.milliseconds
      keyspace.stores[shard] = store
      missing.remove(ShardSet(shard))
      if missing.isEmpty { performAll(context) }
    }
  }

  /// Asks for the stores that the waiting jobs need.
  private mutating func borrow(_ context: Context<Message>) {
    borrowed = jobs.reduce(into: []) { $0.formUnion($1.shards) }
    missing = borrowed
    for shard in borrowed.numbers { shards[shard].send(.lend(to: context.address)) }
  }

  /// Does the jobs whose stores are there; those that have come since may need others.
  private mutating func performAll(_ context: Context<Message>) {
    let ready = jobs.prefix { $0.shards.isSubset(of: borrowed) }
    for (work, _) in ready {
      let answers = work.perform(in: keyspace)
      if case .farewell = work.task { continue }
      work.client.session.send(.answered(answers))
    }
    jobs.removeFirst(ready.count)
    for shard in borrowed.numbers {
      guard let store = keyspace.stores[shard] else { continue }
      keyspace.stores[shard] = nil
      shards[shard].send(.takeBack(store))
    }
    borrowed = []
    if !jobs.isEmpty { borrow(context) }
  }
}
