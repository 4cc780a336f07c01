import CTroupeShims
import Synchronization
import TestSupport
import Testing

@testable import Troupe

/// An actor of the language on a system's workers.
private actor Desk {
  private nonisolated let executor: TroupeExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  let served = Trail<Int>()
  private let witness: Witness?
  /// Whether a method is running, to see that two never do.
  private var isBusy = false

  init(_ executor: TroupeExecutor, _ witness: Witness? = nil) {
    self.executor = executor
    self.witness = witness
  }

  /// Enqueues tasks of this actor one after the other.
  func enqueue(_ numbers: Range<Int>, _ body: @escaping @Sendable (isolated Desk, Int) -> Void = { _, _ in }) {
    for number in numbers {
      Task {
        self.served.append(number)
        body(self, number)
      }
    }
  }

  func serve(_ number: Int) -> Int {
    precondition(!isBusy && troupe_current_worker() != nil)
    isBusy = true
    served.append(number)
    isBusy = false
    return number
  }

  func hold(_ started: Countdown, _ gate: Gate) {
    started.down()
    gate.wait()
  }

  /// Gives up its turn again and again, until told otherwise.
  func spin(until isOver: Event) async { while !isOver.isSet { await Task.yield() } }

  /// Calls the other, which calls this one, and so on.
  func call(_ other: Desk, _ left: Int) async -> Int {
    precondition(troupe_current_worker() != nil)
    if left == 0 { return 0 }
    let sum = await other.call(self, left - 1)
    precondition(troupe_current_worker() != nil)
    served.append(left)
    return sum + left
  }

  func ask(_ address: Address<ServiceRequest>, _ number: Int) async throws -> (Int, UInt, UInt) {
    let before = currentThread
    let answer = try await address.ask(timeout: nil) { .double(number, self, $0) }
    return (answer, before, currentThread)
  }

  /// Code without isolation of its own, which is called on this actor.
  func count() -> Int { assumeCount(self) }
}

/// Reads what is the actor's, on the assumption that it runs there.
private func assumeCount(_ desk: Desk) -> Int { desk.assumeIsolated { $0.served.count } }

private enum ServiceRequest: ~Copyable {
  case double(Int, Desk, Reply<Int>)
}

/// Asks the native actor that asks it.
private struct Doubler: AsyncBehavior {
  func receive(_ message: consuming ServiceRequest, in context: Context<ServiceRequest>) async {
    switch consume message {
    case .double(let number, let desk, let reply):
      let served = await desk.serve(number)
      reply.send(served * 2)
    }
  }
}

/// A global actor, whose tasks any thread may enqueue in its own order.
@globalActor private actor Counter10 {
  static let shared = Counter10()
  static let executor = ActorSystem("ten", options: .init(log: { _ in })).serialExecutor("ten")
  nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }
}

@Suite(.spins) struct NativeActorTests {
  struct Place: Hashable {
    let producer: Int
    let number: Int
  }

  @Test func `what ten threads enqueue is served in the order of each thread`() async {
    let each = Scale.count(500)
    let served = Trail<Place>()
    let threads = (0..<10).map { producer in
      TestThread {
        for number in 0..<each {
          Task { @Counter10 in served.append(Place(producer: producer, number: number)) }
        }
      }
    }
    for thread in threads { await thread.value }
    await until { served.count == 10 * each }
    let all = served.all
    for producer in 0..<10 {
      #expect(all.filter { $0.producer == producer }.map(\.number) == Array(0..<each))
    }
  }

  @Test func `ten tasks that wait run in the order in which they were enqueued`() async {
    let pool = Pooled(workers: 2)
    let executor = pool.system.serialExecutor("desk")
    let desk = Desk(executor)
    let (started, gate) = (Countdown(1), Gate())
    await desk.enqueue(0..<10) { _, number in
      if number == 0 {
        started.down()
        gate.wait()
      }
    }
    await started.wait()
    // The first runs, nine wait.
    #expect(executor.jobCount == 10)
    #expect(pool.system.snapshot().executors == [ExecutorSnapshot(name: "desk", jobs: 10)])
    gate.open()
    #expect(await settled { executor.jobCount == 0 })
    #expect(desk.served.all == Array(0..<10))
    await pool.end()
  }

  @Test(arguments: [1, 2]) func `two native actors call each other`(workers: Int) async {
    let pool = Pooled(workers: workers)
    let (a, b) = (Desk(pool.system.serialExecutor("a")), Desk(pool.system.serialExecutor("b")))
    let depth = 100
    #expect(await a.call(b, depth) == depth * (depth + 1) / 2)
    #expect(a.served.all == Array(stride(from: 2, through: depth, by: 2)))
    #expect(b.served.all == Array(stride(from: 1, to: depth, by: 2)))
    await pool.end()
  }

  @Test func `two actors on one executor exclude each other`() async {
    let pool = Pooled(workers: 2)
    let executor = pool.system.serialExecutor("both")
    let (a, b) = (Desk(executor), Desk(executor))
    let (started, gate) = (Countdown(1), Gate())
    let holding = Task { await a.hold(started, gate) }
    await started.wait()
    let waiting = Task { await b.serve(1) }
    await until { executor.jobCount == 2 }
    #expect(executor.jobCount == 2)
    gate.open()
    await holding.value
    #expect(await waiting.value == 1)
    await pool.end()
  }

  @Test func `a native actor asks an address, whose handler calls the native actor, on one thread`() async throws {
    // With one worker there is one queue, whose thread does not change while something runs.
    let pool = Pooled(workers: 1)
    let desk = Desk(pool.system.serialExecutor())
    let doubler = pool.system.spawn("doubler") { Doubler() }
    for number in 1...50 {
      let (answer, before, after) = try await desk.ask(doubler, number)
      #expect(answer == 2 * number)
      #expect(before == after)
    }
    #expect(desk.served.all == Array(1...50))
    await pool.end()
  }

  @Test func `a backlog is reported once until it has shrunk to half`() async {
    let events = Trail<String>()
    let lines = Trail<String>()
    let scheduler = SimulatedScheduler(seed: 1, turn: 1)
    let system = ActorSystem(
      "sim", simulatedBy: scheduler,
      options: .init(log: { lines.append($0) }, observer: { events.append($0.description) }))
    let executor = system.serialExecutor("desk", highWater: 10)
    let desk = Desk(executor)
    let task = Task(executorPreference: system.executor) {
      // When number n runs, 17 - n wait.
      await desk.enqueue(1..<13) { desk, number in
        if number == 6 { desk.enqueue(13..<18) }
        if number == 12 { desk.enqueue(18..<23) }
      }
    }
    // The waiting jobs rise to 12, fall to 6, rise to 11, fall to 5, and rise to 10.
    scheduler.runUntilIdle()
    #expect(executor.jobCount == 0)
    #expect(desk.served.all == Array(1..<23))
    let line = "backlog: 10 jobs wait for the executor desk"
    #expect(events.all == [line, line])
    #expect(lines.all == ["sim: \(line)", "sim: \(line)"])
    await task.value
    system.requestShutdown()
    scheduler.runUntilIdle()
  }

  @Test func `a high water of zero reports nothing`() async {
    let pool = Pooled(workers: 1, highWater: 1)
    let desk = Desk(pool.system.serialExecutor(highWater: 0))
    await desk.enqueue(0..<100)
    #expect(await settled { desk.served.count == 100 })
    let other = Desk(pool.system.serialExecutor())
    await other.enqueue(0..<100)
    #expect(await settled { other.served.count == 100 })
    #expect(pool.log.all.contains { $0.contains("the executor executor-2") })
    #expect(!pool.log.all.contains { $0.contains("executor-1") })
    await pool.end()
  }

  @Test func `an executor that always has jobs leaves the others their turns`() async throws {
    let pool = Pooled(workers: 1)
    let isOver = Event()
    let desk = Desk(pool.system.serialExecutor())
    let spinning = Task { await desk.spin(until: isOver) }
    let echo = pool.system.spawn("echo", state: 0) { (_, reply: consuming Reply<Int>, _) in reply.send(7) }
    for _ in 0..<5 { #expect(try await echo.ask(timeout: nil) { $0 } == 7) }
    isOver.set()
    await spinning.value
    await pool.end()
  }

  @Test(arguments: [1, 2]) func `jobs run during and after the shutdown`(workers: Int) async {
    let pool = Pooled(workers: workers)
    let desk = Desk(pool.system.serialExecutor())
    let (started, gate) = (Countdown(1), Gate())
    await desk.enqueue(0..<20) { _, number in
      if number == 0 {
        started.down()
        gate.wait()
      }
    }
    await started.wait()
    // The shutdown does not wait for the jobs.
    pool.system.requestShutdown()
    gate.open()
    await pool.end()
    #expect(await desk.serve(20) == 20)
    await desk.enqueue(21..<40)
    #expect(await settled { desk.served.count == 40 })
    #expect(desk.served.all == Array(0..<40))
    // An executor that is made too late works as well.
    let late = Desk(pool.system.serialExecutor("late"))
    #expect(await late.serve(1) == 1)
    #expect(await late.call(desk, 10) == 55)
  }

  @Test func `nothing is left when the actor has gone`() async {
    let ledger = Ledger()
    weak var executor: TroupeExecutor?
    weak var jobs: LoopExecutor?
    let pool = Pooled(workers: 2)
    do {
      let made = pool.system.serialExecutor("gone")
      (executor, jobs) = (made, made.jobs)
      let desk = Desk(made, Witness(ledger))
      await desk.enqueue(0..<100)
      _ = await desk.call(desk, 3)
      #expect(pool.system.snapshot().executors.map(\.name) == ["gone"])
    }
    #expect(await settled { ledger.isBalanced && jobs == nil })
    #expect(ledger.madeCount == 1)
    #expect(executor == nil)
    #expect(pool.system.snapshot().executors.isEmpty)
    await pool.end()
  }

  @Test func `an executor keeps its system's memory, and lets it go`() async {
    weak var core: SystemCore?
    do {
      let executor: TroupeExecutor
      do {
        let system = ActorSystem("kept", options: .init(log: { _ in }))
        core = system.core
        executor = system.serialExecutor()
        await system.shutdown(deadline: nil)
      }
      #expect(await Desk(executor).serve(3) == 3)
    }
    #expect(await settled { core == nil })
  }

  @Test func `isolation can be assumed where the executor runs, and only there`() async {
    let pool = Pooled(workers: 1)
    let executor = pool.system.serialExecutor("desk")
    let desk = Desk(executor)
    _ = await desk.serve(1)
    #expect(await desk.count() == 1)
    #expect(executor.isIsolatingCurrentContext() == false)
    #expect(executor.isSameExclusiveExecutionContext(other: executor))
    #expect(!executor.isSameExclusiveExecutionContext(other: pool.system.serialExecutor("desk")))
    await pool.end()
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let executor = ActorSystem("x").serialExecutor("desk")
      executor.checkIsolated()
    }
    let error = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(error.contains("does not run on that executor"), "\(error)")
    let assumed = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      print(assumeCount(Desk(ActorSystem("x").serialExecutor("desk"))))
    }
    #expect(assumed != nil)
  }

  @Test func `the watchdog names the executor of a job that holds its thread`() async {
    let channel = Channel.unbounded(of: Watchdog.Report.self)
    let sender = channel.sender
    var reports = channel.receiver
    let lines = Trail<String>()
    let watchdog = Watchdog(limit: .milliseconds(20)) { _ = sender.send($0) }
    let system = ActorSystem("dog", options: .init(workers: 2, log: { lines.append($0) }, watchdog: watchdog))
    let desk = Desk(system.serialExecutor("ledger"))
    let (started, gate) = (Countdown(1), Gate())
    let holding = Task { await desk.hold(started, gate) }
    await started.wait()
    let report = await reports.receive()
    #expect(report?.subject == .executor(name: "ledger"))
    gate.open()
    await holding.value
    await system.shutdown(deadline: nil)
    #expect(lines.all.contains { $0.contains("a job of the executor ledger has kept a thread of the pool for") })
  }
}
