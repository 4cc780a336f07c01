/// Says to which of its members a router passes a message.
///
/// A member whose bounded mailbox is full is skipped in favor of the next one, except with `consistentHashing`. A
/// member that has ended is left out.
public struct RoutingStrategy<Message: ~Copyable>: Sendable {
  typealias Spread = @Sendable (consuming Message, [Address<Message>], Context<RouterCommand<Message>>) -> Void

  enum Kind: Sendable {
    case roundRobin
    case random(any RandomNumberGenerator & Sendable)
    case leastLoaded
    case consistentHashing(virtualNodes: Int, hash: @Sendable (borrowing Message) -> UInt64)
    case spread(Spread)
  }
  let kind: Kind
}

extension RoutingStrategy where Message: ~Copyable {
  /// The members take turns. O(1) for a message.
  public static var roundRobin: RoutingStrategy { RoutingStrategy(kind: .roundRobin) }

  /// A random member, each with the same probability. The same seed and the same members give the same choices; each
  /// incarnation of the router starts again with the seed. O(1) for a message.
  public static func random(seed: UInt64) -> RoutingStrategy { random(using: SeededGenerator(seed: seed)) }

  /// A random member, chosen by a generator. Each incarnation of the router gets a copy of the generator.
  public static func random(using generator: some RandomNumberGenerator & Sendable) -> RoutingStrategy {
    RoutingStrategy(kind: .random(generator))
  }

  /// The member with the smallest `Address.pendingCount` (join the shortest queue). Members with equal counts take
  /// turns. O(n) for a message.
  public static var leastLoaded: RoutingStrategy { RoutingStrategy(kind: .leastLoaded) }

  /// The member that the message's key belongs to. While the members stay the same it is always the same one, so
  /// messages with one key are handled in order. The hash is the same in every run.
  ///
  /// When a member comes or goes, about one in n keys moves to another member (Karger et al., STOC 1997); earlier
  /// messages may then still be queued at the old one. If the member is full, no other takes its place. O(log n) for a
  /// message, O(n log n) for a change of members.
  /// - Parameters:
  ///   - virtualNodes: The number of places of each member on the ring. More of them make the shares more even. Below 1
  ///     stops the program.
  ///   - key: Makes the key of a message. It runs on the router's worker.
  public static func consistentHashing<Key: StableHashable>(
    virtualNodes: Int = 128, key: @escaping @Sendable (borrowing Message) -> Key
  ) -> RoutingStrategy {
    guard virtualNodes >= 1 else {
      fatalError("Troupe: a hash ring needs at least 1 virtual node, not \(virtualNodes)")
    }
    return RoutingStrategy(
      kind: .consistentHashing(virtualNodes: virtualNodes) { message in StableHasher.hash(key(message)) })
  }

  /// All members are asked, and the first answer is passed on; if all asks fail, the last failure is. O(n) for a
  /// message.
  ///
  /// Slower members still do the work, and their answers are ignored.
  /// - Parameter timeout: How long each member may take.
  public static func scatterGatherFirst<Request: Sendable, Answer: Sendable>(
    within timeout: Duration = .seconds(5)
  ) -> RoutingStrategy where Message == ServiceRequest<Request, Answer> {
    RoutingStrategy(
      kind: .spread { question, members, context in
        context.spawn(behavior: FirstAnswer(question, of: members, within: timeout))
      })
  }
}

extension RoutingStrategy where Message: Sendable {
  /// Every member gets a copy. Copies for members that are full or have ended become dead letters. O(n) for a message.
  public static var broadcast: RoutingStrategy {
    RoutingStrategy(
      kind: .spread { message, members, _ in
        for member in members { member.send(message) }
      })
  }
}

/// The messages of a router's actor.
enum RouterCommand<Message: ~Copyable>: ~Copyable {
  case route(Message)
  case resize(Int)
  case replace(slot: Int)
  case listing(Listing<Message>)
  case members(Reply<[Address<Message>]>)
}

/// The members of a router, and the choice among them.
struct RoutingTable<Message: ~Copyable> {
  private let strategy: RoutingStrategy<Message>
  private var random: any RandomNumberGenerator = SeededGenerator(seed: 0)
  private var next = 0
  private var ring = HashRing()
  private(set) var members: [Address<Message>] = []
  private var identities: [UInt64] = []

  init(_ strategy: RoutingStrategy<Message>) {
    self.strategy = strategy
    if case .random(let generator) = strategy.kind { random = generator }
  }

  /// Replaces the members.
  /// - Parameter identities: What each member is known by on the ring, the same in every run.
  mutating func update(_ members: [Address<Message>], identities: [UInt64]) {
    self.members = members
    self.identities = identities
    if case .consistentHashing(let virtualNodes, _) = strategy.kind {
      ring = HashRing(identities: identities, placesEach: virtualNodes)
    }
  }

  /// Passes a message on. The outcome `closed` means that there is no member, and `full` that none has room.
  mutating func send(
    _ message: consuming Message, in context: Context<RouterCommand<Message>>
  ) -> TrySendOutcome<Message> {
    var message = message
    while !members.isEmpty {
      if case .spread(let spread) = strategy.kind {
        spread(message, members, context)
        return .sent
      }
      var index = pick(for: message)
      var tries = isBoundToOne ? 1 : members.count
      while true {
        tries -= 1
        switch members[index].trySend(assumeDisconnected(message)) {
        case .sent: return .sent
        case .full(let refused):
          if tries == 0 { return .full(refused) }
          message = refused
          index = (index + 1) % members.count
          continue
        case .closed(let refused): message = refused
        }
        break
      }
      // This member has ended, and the notice of its end is on the way.
      var (members, identities) = (members, identities)
      members.remove(at: index)
      identities.remove(at: index)
      update(members, identities: identities)
    }
    return .closed(message)
  }

  private var isBoundToOne: Bool {
    if case .consistentHashing = strategy.kind { true } else { false }
  }

  private mutating func pick(for message: borrowing Message) -> Int {
    switch strategy.kind {
    case .roundRobin, .spread: return rotate()
    case .random: return Int.random(in: 0..<members.count, using: &random)
    case .leastLoaded: return leastLoaded(from: rotate())
    case .consistentHashing(_, let hash): return ring.member(for: hash(message))
    }
  }

  private mutating func rotate() -> Int {
    let index = next < members.count ? next : 0
    next = index + 1
    return index
  }

  private func leastLoaded(from start: Int) -> Int {
    var (best, least) = (start, members[start].pendingCount)
    for step in 1..<max(members.count, 1) where least > 0 {
      let index = (start + step) % members.count
      let load = members[index].pendingCount
      if load < least { (best, least) = (index, load) }
    }
    return best
  }
}
