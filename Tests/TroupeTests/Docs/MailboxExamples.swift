import TestSupport
import Testing
import Troupe

/// The code of `Docs/Mailboxes.md`.
@Suite(.spins) struct MailboxExamples {
  @Test func `the code of the page is the code of this file`() throws {
    try DocPage("Mailboxes.md").expectCode(atLeast: 4)
  }

  struct Price: Sendable {
    let symbol: String
    let amount: Int
  }
  struct Job: Sendable {
    let priority: Int
  }

  @Test func `four mailboxes`() async {
    let bounded = SpawnOptions(mailbox: .bounded(100))
    let latest = SpawnOptions(mailbox: .droppingOldest(10))
    let prices = SpawnOptions(mailbox: .coalescing(1000, by: { (price: borrowing Price) in price.symbol }))
    let urgent = SpawnOptions(mailbox: .prioritized(by: { (job: borrowing Job) in job.priority }))

    let sim = Simulation(seed: 1)
    let trails = (Trail<Int>(), Trail<Int>(), Trail<Int>(), Trail<Int>())
    let system = sim.system
    let first = system.spawn(options: bounded, state: 0) { (_, n: consuming Int, _) in trails.0.append(n) }
    let second = system.spawn(options: latest, state: 0) { (_, n: consuming Int, _) in trails.1.append(n) }
    let third = system.spawn(options: prices, state: 0) { (_, p: consuming Price, _) in trails.2.append(p.amount) }
    let fourth = system.spawn(options: urgent, state: 0) { (_, job: consuming Job, _) in trails.3.append(job.priority) }
    for n in 0..<105 {
      first.send(n)
      second.send(n)
    }
    for n in 0..<5 { third.send(Price(symbol: n == 2 ? "OIL" : "TEA", amount: n)) }
    for n in [2, 9, 4] { fourth.send(Job(priority: n)) }
    sim.run()
    #expect(trails.0.all == Array(0..<100))
    #expect(trails.1.all == Array(95..<105))
    #expect(trails.2.all == [4, 2])
    #expect(trails.3.all == [9, 4, 2])
    #expect(system.counts.deadLetters == [.mailboxFull: 5, .overflow: 95, .replaced: 3])
    sim.end()
  }

  @Test func `three ways to send`() async throws {
    let system = ActorSystem("docs")
    let handled = Countdown(1001)
    let worker = system.spawn("worker", options: SpawnOptions(mailbox: .bounded(100)), state: 0) {
      (_, job: consuming String, _) in
      handled.down()
    }
    switch worker.trySend("job") {
    case .sent: break
    case .full(let job): print("busy, and did not take \(job)")
    case .closed(let job): print("nobody is there for \(job)")
    }
    for n in 0..<1000 { try await worker.deliver("job \(n)").get() }  // waits while a hundred are queued
    await handled.wait()
    await system.shutdown()
    #expect(system.counts.handled == 1001)
  }

  struct Gate: Behavior {
    enum Message { case open, pass(Int) }
    let passed: Trail<Int>
    var isOpen = false

    mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
      switch message {
      case .pass where !isOpen: try context.stash(message).get()
      case .pass(let n): passed.append(n)
      case .open:
        isOpen = true
        context.unstashAll()
      }
    }
  }

  @Test func `a stash`() {
    let sim = Simulation(seed: 2)
    let passed = Trail<Int>()
    let gate = sim.system.spawn { Gate(passed: passed) }
    for n in 1...3 { gate.send(.pass(n)) }
    gate.send(.open)
    gate.send(.pass(4))
    sim.run()
    #expect(passed.all == [1, 2, 3, 4])
    sim.end()
  }
}
