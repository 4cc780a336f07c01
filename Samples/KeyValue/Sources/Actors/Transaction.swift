/// What a client has queued since `MULTI`.
struct Transaction {
  struct Step: Sendable {
    let batch: Batch
    let command: Int
  }

  private(set) var steps: [Step] = []
  /// The shards that its commands need.
  private(set) var shards: ShardSet = []
  /// Whether a command was refused while it was queued, so that `EXEC` must do nothing.
  var isBroken = false

  mutating func add(_ step: Step, _ shards: ShardSet) {
    steps.append(step)
    self.shards.formUnion(shards)
  }

  /// Does all steps, one after the other. Nobody else has the stores meanwhile, so nobody sees a part of it.
  static func perform(_ steps: [Step], _ keyspace: Keyspace, _ client: Client, _ answer: inout Answer) {
    let hasChanged = keyspace.present.contains { $0.hasChanged(for: client.number) }
    for store in keyspace.present { store.unwatch(by: client.number) }
    if hasChanged { return answer.nullArray() }
    answer.array(steps.count)
    for step in steps { Work.run(step.batch, step.command, keyspace, client, &answer) }
  }
}
