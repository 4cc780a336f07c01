/// To which of its members a router passes a message.
///
/// A member whose bounded mailbox is full is passed over for the next one, but for `consistentHashing`. A member that has
/// ended is left out.
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
  /// One after the other. O(1) for a message.
  public static var roundRobin: RoutingStrategy { RoutingStrategy(kind: .roundRobin) }

  /// Any of them, each as likely. The same seed and the same members give the same choices; an incarnation of the router
  /// starts with the seed again. O(1) for a message.
  public static func random(seed: UInt64) -> RoutingStrategy { random(using: SeededGenerator(seed: seed)) }

  /// Any of them, by a generator of which each incarnation of the router gets a copy.
  public static func random(using generator: some RandomNumberGenerator & Sendable) -> RoutingStrategy {
    RoutingStrategy(kind: .random(generator))
  }

  /// The one with the smallest `Address.pendingCount` (join the shortest queue); among equals, one after the other. O(n) for a message.
  public static var leastLoaded: RoutingStrategy { RoutingStrategy(kind: .leastLoaded) }

  /// The one that the message's key belongs to, always the same one while the members stay: so messages with one key are
  /// handled in order. The hash is the same in every run.
  ///
  /// When a member comes or goes, about one in n keys moves to another one (Karger et al., STOC 1997). What was sent before may then still be
  /// queued at the old one. A full member gets no substitute. O(log n) for a message, O(n log n) for a change.
  /// - Parameters:
  ///   - virtualNodes: Places of a member on the ring; more make the shares more even. Below 1 stops the program.
  ///   - key: Runs on the router's worker.
  public static func consistentHashing<Key: StableHashable>(
    virtualNodes: Int = 128, key: @escaping @Sendable (borrowing Message) -> Key
  ) -> RoutingStrategy {
    guard virtualNodes >= 1 else { fatalError("Troupe: a hash ring needs 1 virtual node or more, not \(virtualNodes)") }
    return RoutingStrategy(
      kind: .consistentHashing(virtualNodes: virtualNodes) { message in StableHasher.hash(key(message)) })
  }

  /// All of them are asked, and the first answer is the answer; if all asks fail, the last failure is. O(n) for a message.
  ///
  /// Those who are slower still do the work, and their answers are dropped.
  /// - Parameter timeout: How long each may take.
  public static func scatterGatherFirst<Request: Sendable, Answer: Sendable>(
    within timeout: Duration = .seconds(5)
  ) -> RoutingStrategy where Message == Question<Request, Answer> {
    RoutingStrategy(
      kind: .spread { question, members, context in
        context.spawn(behavior: FirstAnswer(question, of: members, within: timeout))
      })
  }
}

extension RoutingStrategy where Message: Sendable {
  /// Each of them gets a copy. Those that are full or have ended make dead letters. O(n) for a message.
  public static var broadcast: RoutingStrategy {
    RoutingStrategy(
      kind: .spread { message, members, _ in
        for member in members { member.send(message) }
      })
  }
}

/// What a router is told. Part of the runtime.
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

  /// - Parameter identities: What each member is known by in every run.
  mutating func update(_ members: [Address<Message>], identities: [UInt64]) {
    self.members = members
    self.identities = identities
    if case .consistentHashing(let virtualNodes, _) = strategy.kind {
      ring = HashRing(identities: identities, placesEach: virtualNodes)
    }
  }

  /// `closed`: there is no member. `full`: there is none with room.
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
        switch members[index].trySend(handingOn(message)) {
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
      // It has ended, and its notice is on the way.
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
