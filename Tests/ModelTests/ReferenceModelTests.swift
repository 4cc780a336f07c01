import Synchronization
import Testing
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// An actor that ends when nobody has its address any more. Each of those who have one lets go of it, some after a
  /// message, while the actor runs.
  @Suite struct References {
    /// `sends` says of each holder how many messages it sends first.
    private func check(
      _ sends: [Int], workers: Int = 1, fewer: Int = 0, location: SourceLocation = #_sourceLocation
    ) {
      Check.all("references, sends \(sends), workers: \(workers)", fewer: fewer, location: location) {
        let scheduler = ModelScheduler(workers: workers, posters: sends.count)
        let system = ActorSystem(
          core: SystemCore(
            name: "model", options: ActorSystem.Options(supervision: .stop, log: { _ in }), scheduler: scheduler,
            counts: scheduler.counts))
        let holders = Holders(count: sends.count)
        start(system, holders)
        scheduler.runAll()
        let hands = holders.takeAddresses().map { Hand<Address<Int>?>($0) }
        var threads: [() -> Void] = sends.indices.map { index in
          {
            letGo(hands[index], sends[index], holders, index)
            scheduler.posterDone()
          }
        }
        threads += (0..<workers).map { index in { scheduler.run(index) } }
        return Execution(threads) {
          let trouble = holders.trouble(sent: sends.reduce(0, +))
          system.requestShutdown()
          scheduler.runAll()
          return trouble
        }
      }
    }

    /// Spawns the actor and has it make an address for each holder. Out of line, so that no other is left.
    @inline(never) private func start(_ system: ActorSystem, _ holders: Holders) {
      var options = SpawnOptions()
      options.lifetime = .whileReferenced
      let address = system.spawn("a", options: options) { Held(holders: holders) }
      for _ in 0..<holders.count { address.send(-1) }
    }

    /// Out of line, so that the address is gone when it returns.
    @inline(never) private func letGo(_ hand: Hand<Address<Int>?>, _ count: Int, _ holders: Holders, _ index: Int) {
      let address = hand.take()
      for number in 0..<count { address?.send(number) }
      holders.note(index)
    }

    @Test func `two that let go`() { check([0, 0]) }
    @Test func `one that lets go, and one after a message`() { check([1, 0]) }
    @Test func `two that let go after a message, two workers`() { check([1, 1], workers: 2, fewer: 1) }
  }
}

/// What the holders did, and what the actor saw.
private final class Holders: @unchecked Sendable {
  let count: Int
  private var addresses: [Address<Int>] = []
  /// Plain memory that each holder writes before it lets go, and the actor reads at its end: the counts of references
  /// have to publish it.
  private let notes: UnsafeMutablePointer<Int>
  // Relaxed words of the library: the sanitizer must not take them for synchronisation of the program's.
  private let handled = Synchronization.Atomic<Int>(0)
  private let ends = Synchronization.Atomic<Int>(0)
  private let early = Synchronization.Atomic<Int>(0)

  init(count: Int) {
    self.count = count
    notes = .allocate(capacity: count)
    notes.initialize(repeating: 0, count: count)
  }
  deinit { notes.deallocate() }

  func add(_ address: Address<Int>) { addresses.append(address) }
  func takeAddresses() -> [Address<Int>] {
    defer { addresses = [] }
    return addresses
  }
  func note(_ index: Int) { notes[index] = 1 }
  func handle() { handled.wrappingAdd(1, ordering: .relaxed) }
  func end() {
    for index in 0..<count where notes[index] != 1 { early.wrappingAdd(1, ordering: .relaxed) }
    ends.wrappingAdd(1, ordering: .relaxed)
  }

  func trouble(sent: Int) -> String? {
    let (handled, ends) = (handled.load(ordering: .relaxed), ends.load(ordering: .relaxed))
    if early.load(ordering: .relaxed) > 0 { return "the actor ended though somebody had its address" }
    if handled != sent { return "of \(sent) messages, \(handled) were handled" }
    return ends == 1 ? nil : "nobody has the address, and the actor has ended \(ends) times"
  }
}

private struct Held: Behavior, ~Copyable {
  let holders: Holders
  init(holders: Holders) { self.holders = holders }
  deinit { holders.end() }

  mutating func receive(_ message: consuming Int, in context: Context<Int>) {
    if message < 0 { holders.add(context.address) } else { holders.handle() }
  }
}
