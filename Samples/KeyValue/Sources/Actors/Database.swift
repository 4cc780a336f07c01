import Troupe

/// The addresses of the actors that have the data.
struct Database: Sendable {
  let shards: [Address<Shard.Message>]
  let coordinator: Address<Coordinator.Message>

  /// Starts the actors.
  init(in system: ActorSystem, shards count: Int) {
    let shards = (0..<count).map { number in system.spawn("shard-\(number)") { Shard(number, of: count) } }
    self.shards = shards
    coordinator = system.spawn("coordinator") { Coordinator(shards) }
  }

  /// Sends work to the shard that can do it alone, or to the coordinator. There must be at least one shard in the set.
  func perform(_ work: Work, _ set: ShardSet) {
    if let only = set.only { shards[only].send(.perform(work)) } else { coordinator.send(.perform(work, set)) }
  }
}
