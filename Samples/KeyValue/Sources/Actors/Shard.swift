import Troupe

/// Has the store of its share of all keys, and does what the sessions ask of it, one piece of work after the other.
struct Shard: Behavior {
  enum Message {
    case perform(Work)
    /// The coordinator needs the store, and gives it back soon.
    case lend(to: Address<Coordinator.Message>)
    case takeBack(Store)
    /// It is time to look for keys that have ended.
    case sweep
  }

  private let number: Int
  /// The own store alone; empty while it is lent.
  private var keyspace: Keyspace
  /// What has come while the store was lent. Each connection waits for its answers before it asks for more, so it is no
  /// more than there are connections.
  private var waiting: [Message] = []

  init(_ number: Int, of count: Int) {
    self.number = number
    keyspace = Keyspace(stores: Array(repeating: nil, count: count))
    keyspace.stores[number] = Store()
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .takeBack(let store): takeBack(store, context)
    case .sweep: sweep(context)
    case .perform, .lend: handle(message, context)
    }
  }

  private mutating func handle(_ message: Message, _ context: Context<Message>) {
    guard let store = keyspace.stores[number] else {
      waiting.append(message)
      return
    }
    switch message {
    case .perform(let work):
      store.now = WallClock.milliseconds
      var answers = work.perform(in: keyspace)
      answers.shard = number
      work.client.session.send(.answered(answers))
      if store.mortalCount > 0 { scheduleSweep(context) }
    case .lend(let coordinator):
      keyspace.stores[number] = nil
      coordinator.send(.lent(store, shard: number))
    case .takeBack, .sweep: break
    }
  }

  private mutating func takeBack(_ store: Store, _ context: Context<Message>) {
    keyspace.stores[number] = store
    let messages = waiting
    waiting = []
    for message in messages { handle(message, context) }
    if store.mortalCount > 0 { scheduleSweep(context) }
  }

  /// Without keys that end there is no timer, so a store that nobody uses needs no processor.
  private func scheduleSweep(_ context: Context<Message>, after delay: Duration = .milliseconds(100)) {
    if !context.timers.isActive("sweep") { context.timers.once("sweep", after: delay, .sweep) }
  }

  private mutating func sweep(_ context: Context<Message>) {
    // A store that is lent is swept when it is back.
    guard let store = keyspace.stores[number] else { return }
    store.now = WallClock.milliseconds
    let isBehind = store.sweep()
    if store.mortalCount > 0 { scheduleSweep(context, after: .milliseconds(isBehind ? 1 : 100)) }
  }
}
