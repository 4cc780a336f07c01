import TestSupport
import Testing
import Troupe

/// Pulls a piece of work when it starts and after each; tells what it got.
struct Puller: Behavior {
  enum Message: ~Copyable {
    case work(Piece)
    case stop
  }
  struct Piece: ~Copyable, Sendable {
    let id: Int
    let token: Token
  }
  let queue: WorkQueue<Piece>
  let seen: Trail<Int>
  var work: Address<Piece>?

  init(_ queue: WorkQueue<Piece>, _ seen: Trail<Int>) { (self.queue, self.seen) = (queue, seen) }

  mutating func started(in context: Context<Message>) {
    let work = context.address.contramap { (piece: consuming sending Piece) -> sending Message in .work(piece) }
    self.work = work
    queue.pull(into: work)
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .work(let piece):
      seen.append(piece.id)
      if let work { queue.pull(into: work) }
    case .stop: context.stop()
    }
  }
}

@Suite(.spins) struct WorkQueueTests {
  @Test(arguments: 0..<UInt64(64)) func `producers wait for room in order, and all work is done`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let ledger = Ledger()
    let seen = Trail<Int>()
    let queue = WorkQueue<Puller.Piece>(in: sim.system, "jobs", capacity: 2)
    let accepted = Trail<Int>()
    let producer = sim.start {
      for id in 0..<20 {
        try await queue.add(Puller.Piece(id: id, token: Token(ledger))).get()
        accepted.append(id)
      }
    }
    sim.run()
    #expect(accepted.all == [0, 1])
    #expect(queue.count == 2)
    let worker = sim.system.spawn { Puller(queue, seen) }
    sim.run()
    #expect(producer.isOver && producer.error == nil)
    #expect(seen.all == Array(0..<20))
    #expect(ledger.isBalanced)
    sim.system.stop(worker)
    sim.run()
    sim.end()
    #expect(sim.system.counts.allDeadLetters == 0)
  }

  @Test(arguments: 0..<UInt64(64)) func `nobody is given more than asked for, and nothing is lost`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    var random = Random(seed: seed)
    let ledger = Ledger()
    let seen = Trail<Int>()
    let queue = WorkQueue<Puller.Piece>(in: sim.system, capacity: 3)
    var workers: [Address<Puller.Message>] = []
    var (added, refused) = (0, 0)
    for id in 0..<200 {
      switch random.below(10) {
      case 0: workers.append(sim.system.spawn { Puller(queue, seen) })
      case 1: if !workers.isEmpty { workers.remove(at: random.below(workers.count)).send(.stop) }
      case 2: sim.run()
      default:
        switch queue.tryAdd(Puller.Piece(id: id, token: Token(ledger))) {
        case .sent: added += 1
        case .full: refused += 1
        case .closed: Issue.record("closed")
        }
      }
      for _ in 0..<random.below(4) { _ = sim.scheduler.step() }
    }
    for worker in workers { #expect(worker.pendingCount <= 2) }
    sim.run()
    #expect(refused + added > 100)
    sim.end()
    #expect(ledger.isBalanced)
    #expect(Set(seen.all).count == seen.count)
    // What was with the queue at the end, and what a worker had not come to.
    let undone = sim.letters.all.count {
      $0.messageType.hasSuffix("Piece") || ($0.messageType == "Puller.Message" && $0.reason != .ended)
    }
    #expect(seen.count + undone == added, "\(sim.letters.all)")
  }

  @Test(arguments: 0..<UInt64(32)) func `work that waits at the end is a dead letter, and after it comes back`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let ledger = Ledger()
    let queue = WorkQueue<Puller.Piece>(in: sim.system, capacity: 4)
    for id in 0..<3 {
      guard case .sent = queue.tryAdd(Puller.Piece(id: id, token: Token(ledger))) else {
        Issue.record("no room")
        return
      }
    }
    sim.end()
    #expect(sim.letters.all.count { $0.reason == .ended } == 3)
    #expect(ledger.isBalanced)
    guard case .closed(let piece) = queue.tryAdd(Puller.Piece(id: 9, token: Token(ledger))) else {
      Issue.record("not closed")
      return
    }
    #expect(piece.id == 9)
  }

  @Test(arguments: 0..<UInt64(32)) func `a closed queue gives out what it has, and ends`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let ledger = Ledger()
    let seen = Trail<Int>()
    let queue = WorkQueue<Puller.Piece>(in: sim.system, capacity: 2)
    let producers = (0..<3).map { id in
      sim.start { try await queue.add(Puller.Piece(id: id, token: Token(ledger))).get() }
    }
    sim.run()
    queue.close()
    let end = sim.start { await queue.termination.kind }
    sim.run()
    #expect(producers.count { $0.error as? SendError == .closed } == 1)
    #expect(!end.isOver)
    _ = sim.system.spawn { Puller(queue, seen) }
    sim.run()
    #expect(end.value == "stopped")
    #expect(seen.count == 2)
    sim.end()
    #expect(ledger.isBalanced)
  }

  @Test(arguments: 0..<UInt64(8)) func `an empty queue ends when it is closed`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let queue = WorkQueue<Int>(in: sim.system, capacity: 1)
    if seed % 2 == 0 { sim.run() }
    queue.close()
    let end = sim.start { await queue.termination.kind }
    sim.run()
    #expect(end.value == "stopped")
    sim.end()
  }

  @Test func `producers and workers on threads`() async {
    let pool = Pooled(workers: 4)
    let ledger = Ledger()
    let seen = Trail<Int>()
    let queue = WorkQueue<Puller.Piece>(in: pool.system, capacity: 8)
    for _ in 0..<3 { _ = pool.system.spawn { Puller(queue, seen) } }
    let count = Scale.count(2000)
    await withTaskGroup(of: Void.self) { group in
      for producer in 0..<4 {
        group.addTask {
          for n in 0..<count {
            let outcome = await queue.add(Puller.Piece(id: producer * count + n, token: Token(ledger)))
            guard case .sent = outcome else { fatalError("refused") }
          }
        }
      }
    }
    await until { seen.count == 4 * count }
    #expect(Set(seen.all).count == 4 * count)
    await pool.end()
    #expect(ledger.isBalanced)
  }
}
