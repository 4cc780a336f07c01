import Dispatch
import Synchronization
import Troupe

/// Checks each rule for a full mailbox, to the message: several tasks send an actor that is held up in a handler more
/// than it has room for.
struct Rules {
  private static let capacity = 100
  private static let each = 1_000
  private static let senders = 4

  /// Keeps what it has handled. The first message holds it up, on a thread of its own.
  struct Recorder: Behavior {
    let seen: Seen
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      if message < 0 { seen.holdUp() } else { seen.append(message) }
    }
  }

  final class Seen: Sendable {
    private let numbers: Mutex<[Int]> = Mutex([])
    private let isHeldUp = Atomic<Bool>(false)
    private let gate = DispatchSemaphore(value: 0)

    func append(_ number: Int) { numbers.withLock { $0.append(number) } }
    var all: [Int] { numbers.withLock { $0 } }

    func holdUp() {
      isHeldUp.store(true, ordering: .releasing)
      gate.wait()
    }
    func untilHeldUp() async { while !isHeldUp.load(ordering: .acquiring) { await Task.yield() } }
    func letGo() { gate.signal() }
  }

  func run() async -> [String] {
    let total = Self.each * Self.senders
    var troubles: [String] = []
    troubles += await check("reject", .bounded(Self.capacity), .mailboxFull, kept: Self.capacity) { $0.isSorted }
    troubles += await check(
      "drop the newest", .bounded(Self.capacity, overflow: .dropNewest), .overflow, kept: Self.capacity
    ) {
      $0.isSorted
    }
    troubles += await check("drop the oldest", .droppingOldest(Self.capacity), .overflow, kept: Self.capacity) {
      // The last message of whoever sent last must be there.
      $0.isSorted && $0.all.contains { $0 % Self.each == Self.each - 1 }
    }
    troubles += await check(
      "coalesce", .coalescing(Self.capacity, by: { (number: borrowing Int) in number % 50 }), .replaced, kept: 50
    ) { Set($0.all.map { $0 % 50 }).count == 50 }
    troubles += await checkFailure()
    print("rules for full mailboxes: \(total) sent to room for \(Self.capacity), each by its rule")
    return troubles
  }

  /// What was handled, and in which order for each sender.
  struct Handled {
    let all: [Int]
    var isSorted: Bool {
      (0..<Rules.senders).allSatisfy { sender in
        let own = all.filter { $0 / Rules.each == sender }
        return own == own.sorted()
      }
    }
  }

  private func check(
    _ name: String, _ mailbox: MailboxOptions, _ reason: DeadLetter.Reason, kept: Int, _ isRight: (Handled) -> Bool
  ) async -> [String] {
    let system = ActorSystem("rules", options: ActorSystem.Options(log: { _ in }))
    let seen = Seen()
    var options = SpawnOptions()
    options.mailbox = mailbox
    options.dispatcher = .pinned
    let actor = system.spawn("recorder", options: options) { Recorder(seen: seen) }
    actor.send(-1)
    await seen.untilHeldUp()
    await send(to: actor)
    let dead = system.counts.allDeadLetters
    let byRule = system.counts.deadLetters[reason] ?? 0
    seen.letGo()
    system.stop(actor, .drain)
    _ = await actor.termination
    await system.shutdown()
    let handled = seen.all
    let total = Self.each * Self.senders
    var troubles: [String] = []
    if handled.count + dead != total {
      troubles.append("\(name): \(handled.count) handled, \(dead) dropped, of \(total)")
    }
    if dead != byRule { troubles.append("\(name): \(dead) dead letters, \(byRule) of them by the rule") }
    if handled.count != kept { troubles.append("\(name): \(handled.count) handled, there was room for \(kept)") }
    if !isRight(Handled(all: handled)) { troubles.append("\(name): not the right ones, or not in order") }
    return troubles
  }

  private func checkFailure() async -> [String] {
    let system = ActorSystem("rules", options: ActorSystem.Options(supervision: .stop, log: { _ in }))
    var options = SpawnOptions()
    options.mailbox = .bounded(Self.capacity, overflow: .fail)
    options.dispatcher = .pinned
    let seen = Seen()
    let actor = system.spawn("failing", options: options) { Recorder(seen: seen) }
    actor.send(-1)
    await seen.untilHeldUp()
    await send(to: actor)
    seen.letGo()
    let termination = await actor.termination
    await system.shutdown()
    if case .failed = termination.reason { return [] }
    return ["fail: \(termination)"]
  }

  private func send(to actor: Address<Int>) async {
    let tasks = (0..<Self.senders).map { sender in
      Task { for number in 0..<Self.each { actor.send(sender * Self.each + number) } }
    }
    for task in tasks { await task.value }
  }
}
