/// A router that owns its workers. It spawns a number of them, passes each message to one, and replaces those that end.
///
/// ```swift
/// let pool = PoolRouter(in: system, "resizers", size: 4, strategy: .leastLoaded) { Resizer() }
/// pool.address.send(.resize(image))
/// pool.resize(to: 8)
/// ```
/// The workers are children of the router. A worker that fails is restarted by its own supervision and keeps its
/// mailbox. One that ends for good is replaced: at once the first time, and later each time that it ends soon after its
/// start. A message that finds no worker alive waits in the router's stash (`SpawnOptions.stashCapacity`). A message
/// that finds no room, there or at the workers, becomes a dead letter of the router, with the reason `undeliverable`.
/// For a pool that must not lose work under load, see `WorkQueue`.
///
/// Messages of one sender keep their order only as far as they go to the same worker. From any thread.
public struct PoolRouter<Message: ~Copyable>: Sendable {
  /// The address to send to. Senders need not know that it is a router.
  public let address: Address<Message>
  private let router: Address<RouterCommand<Message>>

  /// Starts a pool.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be the router's parent.
  ///   - name: The name of the router's actor; nil gives it a number.
  ///   - size: The number of workers; fewer than 1 stops the program.
  ///   - strategy: How the worker for each message is chosen.
  ///   - options: The options of the router's actor. If it is restarted by hand, it starts with `size` workers again.
  ///   - workerOptions: The options of the workers.
  ///   - backoff: How long to wait before a worker is replaced that ended soon after its start.
  ///   - factory: Makes a worker. See `Spawner.spawn`.
  public init<B: Behavior & ~Copyable>(
    in spawner: some Spawner, _ name: String? = nil, size: Int, strategy: RoutingStrategy<Message> = .roundRobin,
    options: SpawnOptions = SpawnOptions(), workerOptions: SpawnOptions = SpawnOptions(),
    backoff: PoolBackoff = PoolBackoff(), _ factory: @escaping @Sendable () throws -> B
  ) where B.Message == Message {
    self.init(spawner, name, size, strategy, options, backoff) { name, context in
      context.spawn(name, options: workerOptions, factory)
    }
  }

  /// Starts a pool whose workers' handlers may await. The parameters are the same.
  public init<B: AsyncBehavior & ~Copyable>(
    in spawner: some Spawner, _ name: String? = nil, size: Int, strategy: RoutingStrategy<Message> = .roundRobin,
    options: SpawnOptions = SpawnOptions(), workerOptions: SpawnOptions = SpawnOptions(),
    backoff: PoolBackoff = PoolBackoff(), _ factory: @escaping @Sendable () throws -> B
  ) where B.Message == Message {
    self.init(spawner, name, size, strategy, options, backoff) { name, context in
      context.spawn(name, options: workerOptions, factory)
    }
  }

  private init(
    _ spawner: some Spawner, _ name: String?, _ size: Int, _ strategy: RoutingStrategy<Message>,
    _ options: SpawnOptions,
    _ backoff: PoolBackoff, _ spawn: @escaping Pool<Message>.Spawn
  ) {
    Self.check(size)
    router = spawner.spawn(name, options: options) { Pool(size: size, strategy, backoff, spawn) }
    address = router.contramap { message in .route(message) }
  }

  /// Changes the number of workers, after the messages that were sent before. If there are too many, the last ones take
  /// no new messages, handle those that they have, and stop. A size below 1 stops the program.
  public func resize(to size: Int) {
    Self.check(size)
    router.send(.resize(size))
  }

  /// The workers that live at this moment. See `Address.ask` for errors and cancellation.
  public nonisolated(nonsending) func workers() async throws(AskError) -> [Address<Message>] {
    try await router.ask { reply in .members(reply) }
  }

  private static func check(_ size: Int) {
    if size < 1 { fatalError("Troupe: a pool must have at least 1 worker, not \(size)") }
  }
}

/// How long a pool waits before it replaces a worker that ended soon after it was started.
public struct PoolBackoff: Sendable {
  let delays: RestartBackoff
  let soon: Duration

  /// Makes a backoff.
  /// - Parameters:
  ///   - delays: How long to wait the second time in a row that a worker in the same place ends soon, and the following
  ///     times.
  ///   - soon: The time that a worker must have lived to be replaced at once.
  public init(_ delays: RestartBackoff = .exponential(), soon: Duration = .seconds(10)) {
    self.delays = delays
    self.soon = soon
  }
}

/// The actor behind `PoolRouter`.
struct Pool<Item: ~Copyable>: Behavior {
  typealias Message = RouterCommand<Item>
  typealias Spawn = @Sendable (String, Context<RouterCommand<Item>>) -> Address<Item>

  /// A place for a worker. It is empty until the replacement of one that has ended comes.
  struct Slot {
    var worker: Address<Item>?
    var startedAt = Duration.zero
    /// How often in a row the worker in this place has ended soon after its start.
    var quickEnds = 0
  }

  private let size: Int
  private let backoff: PoolBackoff
  private let spawn: Spawn
  private var table: RoutingTable<Item>
  private var slots: [Slot] = []
  private var spawned = 0

  init(size: Int, _ strategy: RoutingStrategy<Item>, _ backoff: PoolBackoff, _ spawn: @escaping Spawn) {
    self.size = size
    self.backoff = backoff
    self.spawn = spawn
    table = RoutingTable(strategy)
  }

  mutating func started(in context: Context<Message>) { resize(to: size, in: context) }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .route(let item):
      switch table.send(item, in: context) {
      case .sent: return
      case .full(let item): context.deadLetter(item)
      case .closed(let item):
        // The workers have all ended, and their replacements come.
        if case .full(let command) = context.stash(.route(item)) { context.deadLetter(command) }
      }
    case .resize(let size): resize(to: size, in: context)
    case .replace(let slot): fill(slot, in: context)
    case .members(let reply): reply.send(slots.compactMap(\.worker))
    case .listing: return
    }
  }

  mutating func signal(_ signal: Signal, in context: Context<Message>) {
    guard case .terminated(let end) = signal else { return }
    guard let slot = slots.firstIndex(where: { $0.worker.map(end.isOf) ?? false }) else { return }
    slots[slot].worker = nil
    let isQuick = context.now - slots[slot].startedAt < backoff.soon
    slots[slot].quickEnds = isQuick ? slots[slot].quickEnds + 1 : 0
    let ends = slots[slot].quickEnds
    if ends <= 1 { return fill(slot, in: context) }
    context.log("a worker has ended soon after its start \(ends) times in a row, so its successor starts later: \(end)")
    context.timers.once(slot, after: backoff.delays.delay(after: ends - 2), .replace(slot: slot))
    changed(in: context)
  }

  private mutating func resize(to size: Int, in context: Context<Message>) {
    while slots.count > size {
      let slot = slots.removeLast()
      context.timers.cancel(slots.count)
      if let worker = slot.worker { context.stop(worker, .drain) }
    }
    while slots.count < size {
      slots.append(Slot())
      start(slots.count - 1, in: context)
    }
    changed(in: context)
  }

  private mutating func fill(_ slot: Int, in context: Context<Message>) {
    start(slot, in: context)
    changed(in: context)
  }

  private mutating func start(_ slot: Int, in context: Context<Message>) {
    spawned += 1
    let worker = spawn("worker-\(spawned)", context)
    context.watch(worker)
    slots[slot].worker = worker
    slots[slot].startedAt = context.now
  }

  private mutating func changed(in context: Context<Message>) {
    let filled = slots.indices.filter { slots[$0].worker != nil }
    // The members are known by their places, so the keys of one that is replaced go to its replacement.
    table.update(filled.compactMap { slots[$0].worker }, identities: filled.map { UInt64($0) })
    if !filled.isEmpty { context.unstashAll() }
  }
}
