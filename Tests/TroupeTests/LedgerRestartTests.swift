import CTroupeShims
import TestSupport
import Testing
import Troupe

/// Order and ledger over restarts, stashes, suspensions and bounded mailboxes.
@Suite(.spins) struct LedgerRestartTests {
  enum Item: Sendable {
    case item(sender: Int, n: Int)
    case open
  }
  /// Behind a gate that some messages close, puts everything aside until it is opened. Some messages make it fail.
  struct Gate: Behavior {
    let seen: [Trail<Int>]
    var isClosed = false

    mutating func receive(_ message: consuming Item, in context: Context<Item>) throws {
      switch message {
      case .open:
        isClosed = false
        context.unstashAll()
      case .item(let sender, let n):
        if isClosed { return try context.stash(.item(sender: sender, n: n)).get() }
        seen[sender].append(n)
        if n % 7 == 3 { isClosed = true }
        if n % 11 == 5 { throw Oops(n) }
      }
    }
  }
  struct AsyncGate: AsyncBehavior {
    var gate: Gate
    mutating func receive(_ message: consuming Item, in context: Context<Item>) async throws {
      await Task.yield()
      try gate.receive(message, in: context)
    }
  }
  static func gate(_ system: ActorSystem, _ seen: [Trail<Int>], isAsync: Bool, capacity: Int) -> Address<Item> {
    let policy = Supervision { _, history in
      .restart(after: history.random < 0.5 ? .zero : .milliseconds(1))
    }
    let options = SpawnOptions(
      mailbox: capacity == 0 ? .unbounded : .bounded(capacity), supervision: policy, stashCapacity: 1_000_000)
    if isAsync { return system.spawn(options: options) { AsyncGate(gate: Gate(seen: seen)) } }
    return system.spawn(options: options) { Gate(seen: seen) }
  }

  @Test(arguments: 0..<UInt64(48), [false, true])
  func `M16 M1 order of each sender and the ledger, over restarts and stashes`(seed: UInt64, isAsync: Bool) {
    var random = Random(seed: seed)
    let sim = Simulation(seed: seed)
    let seen = (0..<3).map { _ in Trail<Int>() }
    let actor = Self.gate(sim.system, seen, isAsync: isAsync, capacity: [0, 1, 4][Int(seed % 3)])
    var opens = 0
    var next = [0, 0, 0]
    let total = 120
    let waiting = sim.start { () -> Int in
      // The third sender waits for room.
      var sent = 0
      for n in 0..<total { if case .sent = await actor.deliver(.item(sender: 2, n: n)) { sent += 1 } }
      return sent
    }
    while next[0] < total || next[1] < total || !waiting.isOver {
      let sender = random.below(2)
      if next[sender] < total, case .sent = actor.trySend(.item(sender: sender, n: next[sender])) { next[sender] += 1 }
      switch random.below(12) {
      case 0: sim.system.restart(actor)
      case 1: sim.system.suspend(actor)
      case 2, 3: sim.system.resume(actor)
      case 4: if case .sent = actor.trySend(.open) { opens += 1 }
      case 5: sim.advance(by: .milliseconds(1))
      default: _ = sim.scheduler.step()
      }
    }
    #expect(waiting.value == total)
    sim.system.resume(actor)
    sim.advance(by: .seconds(1))
    if seed % 2 == 0 {
      // Everything that is still aside comes out.
      while seen.contains(where: { $0.count < total }) {
        if case .sent = actor.trySend(.open) { opens += 1 }
        sim.advance(by: .seconds(1))
      }
      for trail in seen { #expect(trail.all == Array(0..<total)) }
      #expect(sim.system.counts.settledMessages == 3 * total + opens)
    } else {
      for trail in seen { #expect(trail.all == Array(0..<trail.count)) }
    }
    sim.end()
    let counts = sim.system.counts
    #expect(counts.settledMessages == 3 * total + opens, "\(counts)")
    #expect(counts.failed > 0 && counts.restarts >= counts.failed / 2)
  }

  @Test(arguments: [false, true], [0, 8]) func `M16 M1 the same on threads`(isAsync: Bool, capacity: Int) async {
    let pool = Pooled(workers: 2)
    let system = pool.system
    let seen = (0..<2).map { _ in Trail<Int>() }
    let actor = Self.gate(system, seen, isAsync: isAsync, capacity: capacity)
    let total = Scale.count(2000)
    let (opens, isOver) = (Counter(), Event())
    let threads = (0..<2).map { sender in
      TestThread {
        var n = 0
        while n < total {
          if case .sent = actor.trySend(.item(sender: sender, n: n)) { n += 1 } else { troupe_thread_yield() }
        }
      }
    }
    let opener = TestThread {
      while !isOver.isSet {
        if case .sent = actor.trySend(.open) { opens.add() }
        if opens.value % 50 == 0 { system.restart(actor) }
        troupe_thread_yield()
      }
    }
    for thread in threads { await thread.value }
    await until { seen.allSatisfy { $0.count == total } }
    isOver.set()
    await opener.value
    for trail in seen { #expect(trail.all == Array(0..<total)) }
    await pool.end()
    let sent = 2 * total + opens.value
    let isBalanced = await settled { system.counts.settledMessages == sent }
    #expect(isBalanced, "sent \(sent), \(system.counts)")
  }
}
