import TestSupport
import Testing
import Troupe

/// Stopping an actor whose asynchronous handler waits.
@Suite(.spins) struct AsyncStopTests {
  static let seeds = 0..<UInt64(64)

  /// Waits for a value that never comes, until its task is cancelled, and writes down what it saw.
  struct Waits: AsyncBehavior, ~Copyable {
    let marks: Trail<String>
    let began: Event
    var receiver: Receiver<Int>

    mutating func receive(_ message: consuming Int, in context: Context<Int>) async {
      began.set()
      let value = await receiver.receive()
      marks.append("\(message) got \(value.map { "\($0)" } ?? "nothing"), cancelled \(Task.isCancelled)")
    }
    mutating func stopping(in context: Context<Int>) async {
      await Task.yield()
      marks.append("stopping, cancelled \(Task.isCancelled)")
    }
  }

  @Test(arguments: seeds) func `stop cancels the handler that waits, and waits for its end`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    let (marks, began) = (Trail<String>(), Event())
    let actor = sim.system.spawn(behavior: Waits(marks: marks, began: began, receiver: channel.receiver))
    actor.send(1)
    actor.send(2)
    sim.run()
    #expect(marks.all == [])
    sim.system.stop(actor)
    sim.system.stop(actor)
    sim.run()
    #expect(marks.all == ["1 got nothing, cancelled true", "stopping, cancelled false"])
    #expect(sim.system.counts.deadLetters == [.queuedAtEnd: 1])
    withExtendedLifetime(sender) {}
    // The workers' tasks serve others as before.
    let next = Channel.unbounded(of: Int.self)
    let value = next.sender
    let (otherMarks, otherBegan) = (Trail<String>(), Event())
    let other = sim.system.spawn(behavior: Waits(marks: otherMarks, began: otherBegan, receiver: next.receiver))
    other.send(3)
    sim.run()
    _ = value.send(7)
    sim.run()
    #expect(otherMarks.all == ["3 got 7, cancelled false"])
    sim.end()
  }

  @Test func `shutdown ends handlers that wait, on real threads`() async {
    for _ in 0..<Scale.count(100) {
      let pool = Pooled(workers: 2)
      let marks = Trail<String>()
      var senders: [Sender<Int>] = []
      for i in 0..<8 {
        let channel = Channel.unbounded(of: Int.self)
        senders.append(channel.sender)
        let began = Event()
        let actor = pool.system.spawn(behavior: Waits(marks: marks, began: began, receiver: channel.receiver))
        actor.send(i)
        if i % 2 == 0 { await began.wait() }
      }
      await pool.end()
      let stopped = marks.all.filter { $0 == "stopping, cancelled false" }.count
      // One that had not begun with its first message may not have started at all.
      #expect(stopped >= 4)
      #expect(marks.all.count - stopped >= 4)
      withExtendedLifetime(senders) {}
    }
  }

  /// Stops while its handler has not waited yet, and waits then.
  struct StopsFirst: AsyncBehavior, ~Copyable {
    let marks: Trail<String>
    let byItself: Bool
    var receiver: Receiver<Int>

    mutating func receive(_ message: consuming Int, in context: Context<Int>) async {
      if byItself { context.stop() } else { context.system.stop(context.address) }
      let value = await receiver.receive()
      marks.append("\(value.map { "\($0)" } ?? "nothing"), cancelled \(Task.isCancelled)")
    }
    mutating func stopping(in context: Context<Int>) async { marks.append("stopping, cancelled \(Task.isCancelled)") }
  }

  @Test(arguments: seeds, [false, true])
  func `a stop that comes before the handler waits cancels it when it does, unless it is its own`(
    seed: UInt64, byItself: Bool
  ) {
    let sim = Simulation(seed: seed)
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    let marks = Trail<String>()
    let actor = sim.system.spawn(
      behavior: StopsFirst(marks: marks, byItself: byItself, receiver: channel.receiver))
    actor.send(1)
    sim.run()
    _ = sender.send(7)
    sim.run()
    #expect(marks.all == [byItself ? "7, cancelled false" : "nothing, cancelled true", "stopping, cancelled false"])
    sim.end()
  }

  /// Is suspended while it stops.
  struct SlowStop: AsyncBehavior, ~Copyable {
    let marks: Trail<String>
    var receiver: Receiver<Int>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) async {}
    mutating func stopping(in context: Context<Int>) async {
      let value = await receiver.receive()
      marks.append("\(value.map { "\($0)" } ?? "nothing"), cancelled \(Task.isCancelled)")
    }
  }

  @Test(arguments: seeds) func `nothing cancels the last hook`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    let marks = Trail<String>()
    let actor = sim.system.spawn(behavior: SlowStop(marks: marks, receiver: channel.receiver))
    actor.send(1)
    sim.run()
    sim.system.stop(actor)
    sim.run()
    sim.system.stop(actor)
    sim.run()
    #expect(marks.all == [])
    _ = sender.send(7)
    sim.run()
    #expect(marks.all == ["7, cancelled false"])
    sim.end()
  }

  /// Is suspended while it starts.
  struct SlowStart: AsyncBehavior, ~Copyable {
    let marks: Trail<String>
    var receiver: Receiver<Int>
    mutating func started(in context: Context<Int>) async throws {
      marks.append(await receiver.receive() == nil ? "cancelled" : "started")
    }
    mutating func receive(_ message: consuming Int, in context: Context<Int>) async { marks.append("\(message)") }
  }

  @Test(arguments: seeds) func `M6 stop during an asynchronous start cancels it`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    let marks = Trail<String>()
    let actor = sim.system.spawn(behavior: SlowStart(marks: marks, receiver: channel.receiver))
    actor.send(1)
    sim.run()
    sim.system.stop(actor)
    let end = sim.start { await actor.termination.kind }
    sim.run()
    #expect(marks.all == ["cancelled"])
    #expect(end.value == "stopped")
    withExtendedLifetime(sender) {}
    sim.end()
  }
}
