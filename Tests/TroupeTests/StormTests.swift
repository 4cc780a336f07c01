import TestSupport
import Testing
import Troupe

/// Failure on a large scale: everything is told once, counted once, and leaves nothing behind.
@Suite(.spins) struct StormTests {
  /// Fails at every message; each incarnation has a token.
  struct Failing: Behavior, ~Copyable {
    let token: Token
    let handled: Counter
    mutating func receive(_ message: consuming Int, in context: Context<Int>) throws {
      if message >= 0 { throw Oops(message) }
      handled.add()
    }
  }

  /// Ten children below it.
  struct Supervisor: Behavior {
    let (ledger, handled, restarts): (Ledger, Counter, Int)
    let children: Trail<Address<Int>>
    init(_ ledger: Ledger, _ handled: Counter, _ restarts: Int, _ children: Trail<Address<Int>>) {
      (self.ledger, self.handled, self.restarts, self.children) = (ledger, handled, restarts, children)
    }
    mutating func started(in context: Context<Int>) {
      let options = SpawnOptions(supervision: .restart(limit: restarts, within: .seconds(86_400), backoff: .none))
      for i in 0..<10 {
        let (ledger, handled) = (ledger, handled)
        children.append(
          context.spawn("c\(i)", options: options) { Failing(token: Token(ledger), handled: handled) })
      }
    }
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {}
    mutating func signal(_ signal: Signal, in context: Context<Int>) {}
  }

  /// Counts the ends that it is told of, by actor.
  struct Watcher: Behavior {
    enum Message: Sendable { case watch([Address<Int>]), ended(ActorID) }
    let (told, twice): (Countdown, Counter)
    var ends: Set<ActorID> = []
    init(_ told: Countdown, _ twice: Counter) { (self.told, self.twice) = (told, twice) }
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .watch(let actors): for actor in actors { context.watch(actor, with: { .ended($0.actor) }) }
      case .ended(let actor):
        if !ends.insert(actor).inserted { twice.add() }
        told.down()
      }
    }
  }

  @Test(arguments: [1, 2]) func `a restart storm: a thousand children fail a hundred times each`(workers: Int) async {
    let pool = Pooled(workers: workers)
    let supervisors = Scale.count(100)
    let failures = 100
    let count = supervisors * 10
    let (ledger, handled, twice) = (Ledger(), Counter(), Counter())
    let children = Trail<Address<Int>>()
    for i in 0..<supervisors {
      pool.system.spawn("s\(i)") { Supervisor(ledger, handled, failures, children) }
    }
    await until { children.count == count }
    let told = Countdown(count)
    let watcher = pool.system.spawn("watcher") { Watcher(told, twice) }
    watcher.send(.watch(children.all))
    // Each fails a hundred times and goes on; then once too often, with three messages behind.
    for round in 0..<failures {
      for child in children.all {
        child.send(round)
        child.send(-1)
      }
    }
    #expect(await settled { handled.value == count * failures })
    #expect(pool.system.counts.restarts == count * failures)
    #expect(pool.system.counts.topLevelActors == supervisors + 1)
    for child in children.all { for message in [0, -1, -1, -1] { child.send(message) } }
    await told.wait()
    #expect(twice.value == 0)
    #expect(await settled { ledger.isBalanced }, "\(ledger.alive) of \(ledger.madeCount) incarnations stay")
    let counts = pool.system.counts
    #expect(ledger.madeCount == count * (failures + 1))
    #expect(counts.failed == count * (failures + 1))
    #expect(counts.failures == counts.failed)
    #expect(counts.allDeadLetters == count * 3)
    // A notice is a message to the watcher, and so was its first.
    #expect(await settled { pool.system.counts.handled == count * failures + count + 1 })
    await pool.end()
  }
}
