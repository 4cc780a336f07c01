import Synchronization
import Troupe

/// A round with many messages and many actors in little time. The messages are numbers, whose count and sum show that
/// none was lost and none came twice.
struct BulkRound: Sendable {
  let system: ActorSystem
  let totals: Totals

  /// What all rounds have done together.
  final class Totals: Sendable {
    private let throughChannels = Atomic<Int>(0)
    private let toActors = Atomic<Int>(0)
    private let ended = Atomic<Int>(0)
    var received: Int { throughChannels.load(ordering: .relaxed) }
    /// How many messages actors have handled, receipts included.
    var handled: Int { toActors.load(ordering: .relaxed) }
    var actors: Int { ended.load(ordering: .relaxed) }
    fileprivate func add(received: Int = 0, handled: Int = 0, actors: Int = 0) {
      throughChannels.wrappingAdd(received, ordering: .relaxed)
      toActors.wrappingAdd(handled, ordering: .relaxed)
      ended.wrappingAdd(actors, ordering: .relaxed)
    }
  }

  struct Outcome: Sendable, Equatable {
    var count = 0
    var sum = 0
    /// The outcome of so many senders that each send the numbers below `each`.
    static func expected(_ senders: Int, _ each: Int) -> Outcome {
      Outcome(count: senders * each, sum: senders * (each * (each - 1) / 2))
    }
  }

  private static let senders = 4
  private static let each = 500_000
  private static let brood = 30_000

  /// Runs the round, and returns what is wrong.
  func run() async -> [String] {
    async let channels = stream()
    async let actors = flow()
    async let children = hatch()
    let outcomes = await (channels, actors, children)
    let wanted = Outcome.expected(Self.senders, Self.each)
    var troubles: [String] = []
    if outcomes.0 != wanted { troubles.append("bulk, channels: \(outcomes.0), and not \(wanted)") }
    if outcomes.1 != wanted { troubles.append("bulk, actors: \(outcomes.1), and not \(wanted)") }
    let all = Outcome.expected(1, Self.brood)
    if outcomes.2 != all { troubles.append("bulk, children: \(outcomes.2), and not \(all)") }
    return troubles
  }

  // MARK: A bounded channel between tasks

  private func stream() async -> Outcome {
    let channel = Channel.bounded(1024, of: Int.self)
    let sender = channel.sender
    for _ in 0..<Self.senders {
      Task { for number in 0..<Self.each { _ = await sender.send(number) } }
    }
    _ = consume sender
    var receiver = channel.receiver
    var outcome = Outcome()
    while let number = await receiver.receive() {
      outcome.count += 1
      outcome.sum += number
    }
    totals.add(received: outcome.count)
    return outcome
  }

  // MARK: Actors that send in bursts, no further ahead than one

  enum Load: Sendable {
    case number(Int)
    /// Asks for the next burst.
    case receipt(Address<Void>)
  }

  struct Pump: Behavior {
    let sink: Address<Load>
    let each: Int
    var next = 0
    mutating func receive(_ message: consuming Void, in context: Context<Void>) {
      for _ in 0..<min(1_000, each - next) {
        sink.send(.number(next))
        next += 1
      }
      if next < each { sink.send(.receipt(context.address)) } else { context.stop() }
    }
  }

  struct Sink: Behavior {
    let expected: Int
    let done: Sender<Outcome>
    let totals: Totals
    var outcome = Outcome()
    var receipts = 0
    mutating func receive(_ message: consuming Load, in context: Context<Load>) {
      switch message {
      case .number(let number):
        outcome.count += 1
        outcome.sum += number
      case .receipt(let pump):
        receipts += 1
        pump.send(())
      }
      guard outcome.count == expected else { return }
      // Each pump was told to begin, and told to go on once more for each receipt.
      totals.add(handled: outcome.count + 2 * receipts + BulkRound.senders)
      _ = done.send(outcome)
      context.stop()
    }
  }

  private func flow() async -> Outcome {
    let channel = Channel.unbounded(of: Outcome.self)
    let (expected, done) = (Self.senders * Self.each, channel.sender)
    let sink = system.spawn { [totals] in Sink(expected: expected, done: done, totals: totals) }
    for _ in 0..<Self.senders { system.spawn { Pump(sink: sink, each: Self.each) }.send(()) }
    var receiver = channel.receiver
    let outcome = await receiver.receive() ?? Outcome()
    totals.add(actors: Self.senders + 1)
    return outcome
  }

  // MARK: Actors that live for one message

  struct Mayfly: Behavior {
    let parent: Address<Hatchery.Message>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      parent.send(.answer(message))
      context.stop()
    }
  }

  /// Keeps some of them alive at a time, and watches each.
  struct Hatchery: Behavior {
    enum Message: Sendable {
      case answer(Int)
      case ended
    }
    let done: Sender<Outcome>
    let count: Int
    var hatched = 0
    var ended = 0
    var outcome = Outcome()

    mutating func started(in context: Context<Message>) { for _ in 0..<64 { hatch(in: context) } }

    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch message {
      case .answer(let number):
        outcome.count += 1
        outcome.sum += number
      case .ended:
        ended += 1
        if hatched < count { hatch(in: context) }
      }
      guard ended == count else { return }
      _ = done.send(outcome)
      context.stop()
    }

    private mutating func hatch(in context: Context<Message>) {
      let mayfly = context.spawn(behavior: Mayfly(parent: context.address))
      context.watch(mayfly, with: { _ in .ended })
      mayfly.send(hatched)
      hatched += 1
    }
  }

  private func hatch() async -> Outcome {
    let channel = Channel.unbounded(of: Outcome.self)
    let done = channel.sender
    let hatchery = system.spawn { Hatchery(done: done, count: Self.brood) }
    var receiver = channel.receiver
    let outcome = await receiver.receive() ?? Outcome()
    _ = await hatchery.termination
    // For each there was one message, its answer, and the notice of its end.
    totals.add(handled: 3 * outcome.count, actors: outcome.count + 1)
    return outcome
  }
}
