import Synchronization
import Testing
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// The threads of a dispatcher on which handlers may block: `ThreadScheduler` with one thread at a time, which is
  /// thread 0 of the scenario. A thread that waits for work may find that it has waited for too long at any moment.
  @Suite struct Threads {
    enum Kind: String, CaseIterable { case givesUp, pinned }

    /// A thread for each list schedules its pieces. `stopsEarly`: one more stops the scheduler, at any moment. Else
    /// whoever has scheduled the last piece stops a pinned one, and the thread of the other gives up some time.
    private func check(
      _ name: String, _ kind: Kind, _ senders: [[Int]], yields: Bool = false, waits: Bool = false,
      stopsEarly: Bool = false, fewer: Int = 0, location: SourceLocation = #_sourceLocation
    ) {
      Check.all("threads, \(name), \(kind)", fewer: fewer, location: location) {
        let run = ThreadRun(kind, senders: senders, yields: yields, waits: waits)
        var threads: [() -> Void] = [{ ModelThread.serve() }, { run.base.serve() }]
        for pieces in senders {
          threads.append {
            for piece in pieces { run.schedule(piece) }
            if !stopsEarly { run.senderIsDone() }
          }
        }
        if stopsEarly { threads.append { run.scheduler.stop() } }
        return Execution(threads, resting: 2) { run.trouble }
      }
    }

    @Test(arguments: Kind.allCases) func `a sender`(kind: Kind) { check("1 sender", kind, [[0, 1]]) }
    @Test(arguments: Kind.allCases) func `two senders`(kind: Kind) {
      check("2 senders", kind, [[0], [1, 2]], fewer: 1)
    }
    @Test(arguments: Kind.allCases) func `a sender, and what runs again after the others`(kind: Kind) {
      check("1 sender, a yield", kind, [[0, 1]], yields: true)
    }
    @Test(arguments: Kind.allCases) func `two senders, and the end of the system`(kind: Kind) {
      check("2 senders, a stop", kind, [[0], [1]], stopsEarly: true, fewer: 1)
    }
    // The tick that the first turn has ordered may come at any moment, and the second needs one.
    @Test func `a turn, and one that waits for the tick`() {
      check("1 sender, the tick", .pinned, [[0, 1]], waits: true)
    }
  }
}

/// The system's own scheduler, for the sake of form: the threads order their ticks from it. Thread 1 of the scenario
/// makes them: the first at any moment, and the others when no other thread can go on.
private final class TickScheduler: Scheduler, @unchecked Sendable {
  unowned(unsafe) var executor: WorkerExecutor!
  private var ordered: Timer?
  private(set) var trouble: String?

  func add(_ timer: Timer) {
    if ordered != nil { trouble = "two ticks are ordered" }
    ordered = timer
    ModelSystem.start(1)
  }

  func serve() {
    var isFirst = true
    while ModelSystem.rest() {
      ModelSystem.waitForTime(mayBeEarly: isFirst)
      isFirst = false
      let tick = ordered.take()
      tick?.fire()
    }
  }

  func schedule(_ runnable: Runnable) { trouble = "something is scheduled on the pool" }
  func yield(_ runnable: Runnable, on worker: Worker) { schedule(runnable) }
  func nextRandom() -> UInt64 { 0 }
  var preciseNow: Int64 { 0 }
  var coarseNow: Int64 { 0 }
  var latestNow: Int64 { 0 }
  func deadline(after delay: Duration) -> Int64 { .max }
  func cancel(_ timer: Timer) {}
  func stop() {}
}

/// One execution with a scheduler of one thread. What it runs are jobs, each of which runs once, and the first of which
/// may run once more.
///
/// The words are relaxed ones of the library: the sanitizer must not take them for synchronisation of the program's.
private final class ThreadRun {
  let base = TickScheduler()
  private let executor: WorkerExecutor
  private let workers: DispatcherWorkers
  let scheduler: ThreadScheduler
  private let kind: ModelTests.Threads.Kind
  private var jobs: [ModelJob] = []
  private let ran: UnsafeMutablePointer<Synchronization.Atomic<Int>>
  private let expected: [Int]
  /// Whether the last job waits for a tick.
  private let waits: Bool
  private let senders: Synchronization.Atomic<Int>
  /// Plain memory, written by who schedules and by who runs: the scheduler has to publish it.
  private let notes: UnsafeMutablePointer<Int>
  private var fault: String?

  init(_ kind: ModelTests.Threads.Kind, senders: [[Int]], yields: Bool, waits: Bool) {
    ModelThread.reset()
    let count = senders.reduce(0) { $0 + $1.count }
    self.kind = kind
    self.waits = waits
    self.senders = Synchronization.Atomic(senders.count)
    executor = WorkerExecutor(base)
    workers = DispatcherWorkers(base)
    scheduler =
      switch kind {
      case .givesUp: ThreadScheduler(workers, limit: 1, patience: .nanoseconds(100))
      case .pinned: ThreadScheduler(pinned: workers)
      }
    expected = (0..<count).map { yields && $0 == 0 ? 2 : 1 }
    ran = .allocate(capacity: count)
    notes = .allocate(capacity: count)
    notes.initialize(repeating: 0, count: count)
    nonisolated(unsafe) unowned(unsafe) let run = self
    for piece in 0..<count {
      (ran + piece).initialize(to: Synchronization.Atomic(0))
      jobs.append(ModelJob(onSerialExecutor: {}, onTaskExecutor: { run.turn(of: piece) }))
    }
  }

  deinit {
    ran.deallocate()
    notes.deallocate()
  }

  func schedule(_ piece: Int) {
    notes[piece] = 1
    scheduler.schedule(Runnable(jobs[piece].bits))
  }

  private func turn(of piece: Int) {
    if notes[piece] != 1 { fault = "piece \(piece) has its turn before it was scheduled, or again" }
    notes[piece] = 2
    if waits && piece == expected.count - 1 { waitForTick() }
    let times = ran[piece].wrappingAdd(1, ordering: .relaxed).newValue
    guard times < expected[piece] else { return }
    notes[piece] = 1
    scheduler.yield(Runnable(jobs[piece].bits), on: Worker.current!)
  }

  private func waitForTick() {
    Worker.withCurrent { worker in
      let before = worker.ticks.load(ordering: .relaxed)
      while worker.ticks.load(ordering: .relaxed) == before { ModelSystem.pause() }
    }
  }

  func senderIsDone() {
    let isLast = senders.wrappingSubtract(1, ordering: .relaxed).newValue == 0
    if isLast && kind == .pinned { scheduler.leave() }
  }

  /// What must hold when thread 0 rests: what was scheduled has run, and no thread is left.
  var trouble: String? {
    if let fault = fault ?? base.trouble { return fault }
    let counts = expected.indices.map { ran[$0].load(ordering: .relaxed) }
    if counts != expected { return "ran \(counts)" }
    return workers.threadCount == 0 ? nil : "\(workers.threadCount) threads are left"
  }
}
