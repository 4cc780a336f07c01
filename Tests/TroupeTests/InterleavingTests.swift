import Synchronization
import TestSupport
import Testing
import Troupe

/// `InterleavingBehavior`.
@Suite(.spins) struct InterleavingTests {
  static let seeds = 0..<UInt64(64)

  /// Waits at a gate for each message, and writes down what happens.
  final class Waits: InterleavingBehavior {
    enum Message: ~Copyable {
      case wait(Int)
      case now(Int)
      case fail(Int)
      case answer(Int, Reply<Int>)
      case watch(Address<Int>)
    }
    let marks: Trail<String>
    let gate: Gate
    var busy = 0
    var most = 0
    init(_ marks: Trail<String>, _ gate: Gate) { (self.marks, self.gate) = (marks, gate) }

    func started(in context: Context<Message>) async {
      await Task.yield()
      marks.append("started")
    }
    func receive(_ message: consuming Message, in context: Context<Message>) async throws {
      busy += 1
      most = max(most, busy)
      defer { busy -= 1 }
      switch consume message {
      case .wait(let n):
        marks.append("\(n) begins")
        await gate.wait()
        marks.append("\(n) ends\(Task.isCancelled ? ", cancelled" : "")")
      case .now(let n): marks.append("\(n)")
      case .fail(let n):
        await Task.yield()
        throw Oops(n)
      case .answer(let n, let reply):
        await gate.wait()
        reply.send(n)
      case .watch(let actor): context.watch(actor)
      }
    }
    func signal(_ signal: Signal, in context: Context<Message>) async throws {
      await Task.yield()
      marks.append("signal")
    }
    func stopping(in context: Context<Message>) async {
      await Task.yield()
      marks.append("stopping, \(busy) busy, at most \(most)\(Task.isCancelled ? ", cancelled" : "")")
    }
  }

  /// Lets waiting tasks through when it is opened.
  final class Gate: @unchecked Sendable {
    private let lock = FutexLock()
    private var senders: [Sender<Void>] = []
    private var isOpen = false

    func open() {
      lock.lock()
      isOpen = true
      let waiting = senders
      senders = []
      lock.unlock()
      for sender in waiting { _ = sender.send(()) }
    }
    /// Returns when it opens, or when the task is cancelled.
    nonisolated(nonsending) func wait() async {
      let channel = Channel.unbounded(of: Void.self)
      let sender = channel.sender
      var receiver = channel.receiver
      let isOpen = lock.withLock { () -> Bool in
        if !self.isOpen { senders.append(sender) }
        return self.isOpen
      }
      if isOpen { return }
      _ = await receiver.receive()
    }
  }

  func kind(_ outcome: consuming TrySendOutcome<Waits.Message>) -> String {
    switch consume outcome {
    case .sent: "sent"
    case .full: "full"
    case .closed: "closed"
    }
  }

  struct Idle: Behavior {
    mutating func receive(_ message: consuming Int, in context: Context<Int>) { context.stop() }
  }

  @Test(arguments: seeds) func `handlers interleave up to the limit, and begin in order`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let (marks, gate) = (Trail<String>(), Gate())
    let actor = sim.system.spawn("i", limit: 3) { Waits(marks, gate) }
    for i in 1...5 { actor.send(.wait(i)) }
    actor.send(.now(6))
    sim.run()
    #expect(marks.all == ["started", "1 begins", "2 begins", "3 begins"])
    #expect(actor.snapshot?.depth == 3)
    gate.open()
    sim.run()
    #expect(marks.count == 12)
    #expect(marks.all.filter { $0.hasSuffix("begins") } == (1...5).map { "\($0) begins" })
    #expect(sim.system.counts.handled == 6)
    sim.end()
    #expect(marks.all.last == "stopping, 0 busy, at most 3")
    #expect(sim.letters.all.isEmpty)
  }

  @Test(arguments: seeds) func `others are handled while one waits`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let (marks, gate) = (Trail<String>(), Gate())
    let actor = sim.system.spawn("i", limit: 2) { Waits(marks, gate) }
    actor.send(.wait(1))
    sim.run()
    for i in 2...100 {
      actor.send(.now(i))
      if i % 10 == 0 { sim.run() }
    }
    sim.run()
    #expect(marks.all == ["started", "1 begins"] + (2...100).map { "\($0)" })
    gate.open()
    sim.run()
    #expect(marks.all.last == "1 ends")
    sim.end()
  }

  @Test(arguments: seeds) func `stop cancels those that wait, and waits for their end`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let (marks, gate) = (Trail<String>(), Gate())
    let actor = sim.system.spawn("i", limit: 2) { Waits(marks, gate) }
    for i in 1...4 { actor.send(.wait(i)) }
    sim.run()
    let end = sim.start { await actor.termination.kind }
    sim.system.stop(actor)
    sim.system.stop(actor)
    sim.run()
    sim.system.stop(actor)
    sim.run()
    #expect(end.value == "stopped")
    #expect(
      Set(marks.all)
        == ["started", "1 begins", "2 begins", "1 ends, cancelled", "2 ends, cancelled", "stopping, 0 busy, at most 2"])
    #expect(marks.all.last == "stopping, 0 busy, at most 2")
    #expect(sim.system.counts.deadLetters == [.queuedAtEnd: 2])
    sim.end()
  }

  @Test(arguments: seeds) func `drain handles what is queued, waits for it, and ends`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let (marks, gate) = (Trail<String>(), Gate())
    let actor = sim.system.spawn("i", limit: 2) { Waits(marks, gate) }
    for i in 1...5 { actor.send(.wait(i)) }
    if seed % 2 == 0 { sim.run() }
    let end = sim.start { await actor.termination.kind }
    sim.system.stop(actor, .drain)
    sim.run()
    #expect(end.value == nil)
    #expect(kind(actor.trySend(.now(9))) == "closed")
    gate.open()
    sim.run()
    #expect(end.value == "stopped")
    #expect(marks.all.count { $0.hasSuffix("ends") } == 5)
    #expect(sim.system.counts.deadLetters == [:])
    sim.end()
  }

  @Test(arguments: seeds) func `a failure restarts it: the others are cancelled first, what is queued comes after`(
    seed: UInt64
  ) {
    let sim = Simulation(seed: seed)
    let (marks, gate) = (Trail<String>(), Gate())
    let options = SpawnOptions(supervision: .restart(backoff: .none))
    let actor = sim.system.spawn("i", options: options, limit: 2) { Waits(marks, gate) }
    actor.send(.wait(1))
    actor.send(.fail(2))
    actor.send(.now(3))
    sim.run()
    let all = marks.all
    #expect(all.filter { $0 == "started" }.count == 2)
    #expect(all.contains("1 ends, cancelled"))
    let stopping = all.firstIndex { $0.hasPrefix("stopping, 0 busy") }
    let again = all.lastIndex(of: "started")
    #expect(stopping != nil && again != nil && stopping! < again!)
    #expect(all.last == "3")
    #expect(sim.system.counts.failed == 1)
    #expect(sim.system.counts.handled == 2)
    #expect(sim.system.counts.restarts == 1)
    sim.end()
  }

  @Test(arguments: seeds) func `suspended, it begins nothing`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let (marks, gate) = (Trail<String>(), Gate())
    let actor = sim.system.spawn("i", limit: 2) { Waits(marks, gate) }
    actor.send(.wait(1))
    sim.run()
    sim.system.suspend(actor)
    sim.run()
    actor.send(.now(2))
    gate.open()
    sim.run()
    #expect(marks.all == ["started", "1 begins", "1 ends"])
    sim.system.resume(actor)
    sim.run()
    #expect(marks.all.last == "2")
    sim.end()
  }

  @Test(arguments: seeds) func `signals interleave, bounds hold, and a start that throws is a failure`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let (marks, gate) = (Trail<String>(), Gate())
    let other = sim.system.spawn { Idle() }
    let actor = sim.system.spawn("i", options: SpawnOptions(mailbox: .bounded(2)), limit: 1) { Waits(marks, gate) }
    actor.send(.watch(other))
    sim.run()
    actor.send(.wait(1))
    sim.run()
    #expect((2...4).map { kind(actor.trySend(.now($0))) } == ["sent", "sent", "full"])
    other.send(1)
    sim.run()
    gate.open()
    sim.run()
    #expect(marks.all == ["started", "1 begins", "1 ends", "2", "3", "signal"])
    let broken = sim.system.spawn("broken", limit: 1) { () throws -> Waits in throw Oops(5) }
    let end = sim.start { await broken.termination.failure?.error as? Oops }
    sim.run()
    #expect(end.value == .some(Oops(5)))
    sim.end()
  }

  @Test(arguments: [1, 2], [1, 4, 100]) func `asks on real threads: each gets its answer, one handler at a time`(
    workers: Int, limit: Int
  ) async throws {
    let pool = Pooled(workers: workers)
    let (marks, gate) = (Trail<String>(), Gate())
    let actor = pool.system.spawn("i", limit: limit) { Waits(marks, gate) }
    let n = Scale.count(400)
    let tasks = (0..<n).map { i in
      pool.system.task { (try? await actor.ask(timeout: nil) { .answer(i, $0) } as Int) == i }
    }
    for i in 0..<n { actor.send(.now(i)) }
    gate.open()
    for task in tasks { #expect(await task.value) }
    #expect(await settled { pool.system.counts.handled == 2 * n })
    await pool.end()
    #expect(marks.all.last?.hasPrefix("stopping, 0 busy") == true)
  }

  @Test(arguments: [1, 2]) func `stops at any moment on real threads lose nothing`(workers: Int) async {
    let pool = Pooled(workers: workers)
    let rounds = Scale.count(300)
    var accepted = 0
    for round in 0..<rounds {
      let (marks, gate) = (Trail<String>(), Gate())
      let actor = pool.system.spawn(limit: 1 + round % 4) { Waits(marks, gate) }
      for i in 0..<6 { if kind(actor.trySend(i % 2 == 0 ? .wait(i) : .now(i))) == "sent" { accepted += 1 } }
      if round % 3 == 0 { gate.open() }
      if round % 2 == 0 { await Task.yield() }
      pool.system.stop(actor)
      #expect(await actor.termination.kind == "stopped")
    }
    let counts = pool.system.counts
    #expect(await settled { pool.system.counts.handled + pool.system.counts.allDeadLetters == accepted }, "\(counts)")
    await pool.end()
  }
}
