import Troupe

// MARK: pairs

extension Actors {
  /// What one player of a pair has done.
  struct PlayerEnd: Sendable {
    let rounds: Int
    let handled: Int
    let result: UInt64
  }
  /// The player that serves, and that counts the rounds.
  struct Server: Behavior, Sendable {
    let rounds: Int
    let work: Work
    let done: Sender<PlayerEnd>
    var other: Address<Int>?
    var handled = 0
    var result: UInt64 = 1
    mutating func receive(_ message: consuming Serve, in context: Context<Serve>) {
      switch message {
      case .start(let other):
        self.other = other
        other.send(0)
      case .ball(let value):
        handled += 1
        if work.steps > 0 { result = work.perform(result) }
        if value < rounds {
          other!.send(value)
        } else {
          _ = done.send(PlayerEnd(rounds: value, handled: handled, result: result))
        }
      }
    }
  }
  struct Returner: Behavior, Sendable {
    let rounds: Int
    let work: Work
    let done: Sender<PlayerEnd>
    let other: Address<Serve>
    var handled = 0
    var result: UInt64 = 1
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      handled += 1
      if work.steps > 0 { result = work.perform(result) }
      other.send(.ball(message + 1))
      if handled == rounds { _ = done.send(PlayerEnd(rounds: message + 1, handled: handled, result: result)) }
    }
  }
  /// Spawns all pairs in one handler.
  struct PairStarter: Behavior, Sendable {
    let pairs: Pairs
    let done: Sender<PlayerEnd>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) { pairs.start(in: context, done) }
  }
  struct Pairs: Sendable {
    let count: Int
    /// How many rounds all pairs together play.
    let rounds: Int
    let work: Work
    let awaited: Bool

    func rounds(of pair: Int) -> Int { rounds / count + (pair < rounds % count ? 1 : 0) }

    func start(in spawner: some Spawner, _ done: Sender<PlayerEnd>) {
      for pair in 0..<count {
        let rounds = rounds(of: pair)
        let server = spawner.spawn(awaited: awaited, Server(rounds: rounds, work: work, done: done))
        let returner = Returner(rounds: rounds, work: work, done: done, other: server)
        server.send(.start(spawner.spawn(awaited: awaited, returner)))
      }
    }
  }

  /// Runs `actor.pairs.N.WORK.outside` or `actor.pairs.N.WORK.inside`: N pairs, with WORK nanoseconds of work in the
  /// handler of every message.
  func pairs(_ workload: String) throws -> Measured? {
    let parts = workload.split(separator: ".")
    guard parts.count == 5, let count = Int(parts[2]), count > 0, let nanoseconds = Int(parts[3]), nanoseconds >= 0,
      parts[4] == "outside" || parts[4] == "inside"
    else { return nil }
    // The number of messages is the same for every number of pairs. They take about a second on one processor.
    let messages = scaled(1_000_000_000 / (nanoseconds + 50))
    let pairs = Pairs(
      count: count, rounds: max(count, messages / 2), work: .lasting(nanoseconds: nanoseconds), awaited: awaited)

    let channel = Channel.unbounded(of: PlayerEnd.self)
    let done = channel.sender
    var receiver = channel.receiver
    let meter = Meter()
    if parts[4] == "outside" {
      pairs.start(in: system, done)
    } else {
      system.spawn(awaited: awaited, PairStarter(pairs: pairs, done: done)).send(0)
    }
    var ends: [PlayerEnd] = []
    while ends.count < 2 * count, let end = receiver.receive() { ends.append(end) }
    let (seconds, processors) = meter.read()

    try check(ends.allSatisfy { $0.handled == $0.rounds }, "pairs: a player did not handle every ball")
    try check(ends.reduce(0) { $0 + $1.handled } == 2 * pairs.rounds, "pairs: messages")
    // Players of the same number of rounds have done the same work.
    let results = Dictionary(grouping: ends, by: \.rounds).mapValues { Set($0.map(\.result)) }
    try check(results.values.allSatisfy { $0.count == 1 }, "pairs: the results of the work differ")
    return .timed(operations: 2 * pairs.rounds, seconds: seconds, processors: processors)
  }
}
