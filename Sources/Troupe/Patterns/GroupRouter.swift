/// A router whose members are the actors that are registered at the receptionist under a key. It follows changes by
/// itself.
///
/// ```swift
/// let printers = GroupRouter(in: system, "printers", key: printerKey, strategy: .roundRobin)
/// printers.address.send(.print(page))
/// ```
/// The router owns none of its members. Messages that come before the first listing wait in its stash. Later, a message
/// that finds no member, or none with room, becomes a dead letter of the router, with the reason `undeliverable`.
///
/// `consistentHashing` knows a member by its path, so give those members names. From any thread.
public struct GroupRouter<Message: ~Copyable>: Sendable {
  /// The address to send to. Senders need not know that it is a router.
  public let address: Address<Message>
  private let router: Address<RouterCommand<Message>>

  /// Starts a router.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be the router's parent.
  ///   - name: The name of the router's actor; nil gives it a number.
  ///   - key: The key under which its members are registered, in the same system.
  ///   - strategy: How the member for each message is chosen.
  ///   - options: The options of the router's actor.
  public init(
    in spawner: some Spawner, _ name: String? = nil, key: ServiceKey<Message>,
    strategy: RoutingStrategy<Message> = .roundRobin, options: SpawnOptions = SpawnOptions()
  ) {
    router = spawner.spawn(name, options: options) { Group(key, strategy) }
    address = router.contramap { message in .route(message) }
  }

  /// The members that the router knows of at this moment. See `Address.ask` for errors and cancellation.
  public nonisolated(nonsending) func members() async throws(AskError) -> [Address<Message>] {
    try await router.ask { reply in .members(reply) }
  }
}

/// The actor behind `GroupRouter`.
struct Group<Item: ~Copyable>: Behavior {
  typealias Message = RouterCommand<Item>

  private let key: ServiceKey<Item>
  private var table: RoutingTable<Item>
  private var listings: Address<Listing<Item>>?
  private var isListed = false

  init(_ key: ServiceKey<Item>, _ strategy: RoutingStrategy<Item>) {
    self.key = key
    table = RoutingTable(strategy)
  }

  mutating func started(in context: Context<Message>) {
    let listings = context.address.contramap { (listing: Listing<Item>) in .listing(listing) }
    self.listings = listings
    context.system.receptionist.subscribe(listings, to: key)
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .route(let item):
      if !isListed {
        if case .full(let command) = context.stash(.route(item)) { context.deadLetter(command) }
        return
      }
      switch table.send(item, in: context) {
      case .sent: return
      case .full(let item): context.deadLetter(item)
      case .closed(let item): context.deadLetter(item)
      }
    case .listing(let listing):
      let identities = listing.addresses.map { StableHasher.hash($0.path) }
      table.update(listing.addresses, identities: identities)
      isListed = true
      context.unstashAll()
    case .members(let reply): reply.send(table.members)
    case .resize: return
    case .replace: return
    }
  }

  mutating func stopping(in context: Context<Message>) {
    // After a restart the next incarnation subscribes with an address of its own.
    if let listings { context.system.receptionist.unsubscribe(listings, from: key) }
  }
}
