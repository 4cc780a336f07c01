internal import CTroupeShims

/// A scheduler for tests: one thread, virtual time, and what runs next is for a `Chooser` to say.
///
/// Nothing runs but in `step`. Time passes only by `advance`, `passTime` and `pass`. Tasks on the system's
/// executor are part of it.
///
/// Sendable because what changes is under the lock, or belongs to the thread that drives the simulation.
package final class SimulatedScheduler: Scheduler, @unchecked Sendable {
  package unowned(unsafe) var executor: WorkerExecutor!
  package let interceptor: (any Interceptor)?
  private let chooser: any Chooser
  private var worker: Worker!
  /// Others are not supposed to come, and must do no harm when they do.
  private let lock = FutexLock()
  private var ready: [Candidate] = []
  private var added = 0
  private var timers = TimerHeap()
  private var now: Int64 = 1_000_000_000
  private var random: SplitMix
  private var escapes: [Escape] = []
  /// The thread that runs the simulation now, or 0.
  private var running: UInt = 0
  /// Who drove it last.
  private var driver = Driver.current
  /// Whose handler runs, if it is a synchronous one.
  private var cellInTurn: Cell?
  /// A timer is being fired.
  package private(set) var isFiring = false
  /// What is added to the deadlines of timers: nil, nothing.
  package var lateness: (@Sendable () -> Duration)?
  package private(set) var steps = 0

  /// Something that came from another thread than the simulation's: the run does not follow from the seed any more.
  package struct Escape: Sendable {
    /// The actor that got a message, or whose handler came back; nil: a task.
    package let actor: String?
    /// When, on the virtual clock.
    package let time: Duration
  }

  /// - Parameter turn: How many messages an actor handles before another may go on.
  package init(
    seed: UInt64, turn: Int = Turn.messages, chooser: (any Chooser)? = nil, interceptor: (any Interceptor)? = nil
  ) {
    random = SplitMix(seed: seed)
    self.chooser = chooser ?? UniformChooser(seed: seed)
    self.interceptor = interceptor
    worker = Worker(self)
    worker.withheld = Turn.messages - turn
  }

  package var counts: [WorkerCounts] { [worker.counts] }

  // MARK: For the runtime

  package func schedule(_ runnable: Runnable) {
    lock.lock()
    added += 1
    let candidate = Candidate(runnable: runnable, number: added)
    let isForeign = comesFromElsewhere(runnable)
    ready.append(candidate)
    if isForeign { escapes.append(Escape(actor: candidate.actor, time: .nanoseconds(now))) }
    lock.unlock()
  }

  /// Under the lock. While nothing runs any thread may send; a job that others than the driver bring is one
  /// that comes back.
  private func comesFromElsewhere(_ runnable: Runnable) -> Bool {
    if running != 0 { return troupe_thread_self() != running }
    return !runnable.isCell && !driver.isCalling
  }

  package func yield(_ cell: Cell, on worker: Worker) { schedule(Runnable(cell)) }
  package var preciseNow: Int64 { lock.withLock { now } }
  package var coarseNow: Int64 { preciseNow }
  package var latestNow: Int64 { preciseNow }
  package func deadline(after delay: Duration) -> Int64 {
    let late = lateness?() ?? .zero
    return lock.withLock { now.saturatingAdd((delay + late).nanosecondsClamped) }
  }
  package func add(_ timer: Timer) { lock.withLock { timers.add(timer) } }
  package func cancel(_ timer: Timer) { lock.withLock { timers.remove(timer) } }
  package func stop() { worker.loops.end(on: worker) }
  // Nothing of the simulation may run anywhere else.
  package var loopPreference: (any TaskExecutor)? { executor }
  package var runsEverything: Bool { true }
  package func nextRandom() -> UInt64 { lock.withLock { random.next() } }

  // MARK: Running

  /// The caller is the one that drives from now on.
  package func drive() { lock.withLock { if running == 0 { driver = Driver.current } } }

  /// Runs one thing that can run, or fires a timer that is due; false if there is none.
  ///
  /// Where time does not pass a timer that was due at once stays, so that one that sets itself again does not
  /// run for ever. On any thread, one at a time; also in a task of the simulation itself, which then waits
  /// for what it runs. Not in a handler.
  package func step(firesTimers: Bool = true) -> Bool {
    lock.lock()
    let isTimerDue = firesTimers && (timers.first.map { $0.deadline <= now } ?? false)
    if ready.isEmpty && !isTimerDue {
      lock.unlock()
      return false
    }
    let before = running
    running = troupe_thread_self()
    var candidates = ready
    if isTimerDue { candidates.append(Candidate(runnable: nil, number: 0)) }
    lock.unlock()
    let index = chooser.choose(from: candidates)
    steps += 1
    if let runnable = candidates[index].runnable {
      lock.withLock { _ = ready.remove(at: index) }
      run(runnable)
    } else {
      fireFirst()
    }
    lock.withLock { running = before }
    return true
  }

  private func run(_ runnable: Runnable) {
    let (loop, cell) = (troupe_current_loop(), cellInTurn)
    troupe_set_current_loop(nil)
    cellInTurn = runnable.isCell ? runnable.cell.takeUnretainedValue() : nil
    worker.asCurrent { worker.execute(runnable) }
    cellInTurn = cell
    troupe_set_current_loop(loop)
  }

  private func fireFirst() {
    lock.lock()
    let timer = timers.first
    if let timer { timers.remove(timer) }
    lock.unlock()
    let cell = cellInTurn
    cellInTurn = nil
    isFiring = true
    timer?.fire()
    isFiring = false
    cellInTurn = cell
  }

  /// Something of the simulation runs on the calling thread.
  package var isInside: Bool { Worker.current === worker }

  /// A handler or hook runs on the calling thread: the simulation cannot be driven from there.
  package var isInHandler: Bool { worker.isRunningCell && Worker.current === worker }

  /// The actor whose handler, hook or factory runs on the calling thread.
  package var currentCell: Cell? {
    (LoopExecutor.withCurrentHandler { $0.cell?.takeUnretainedValue() } ?? nil) ?? cellInTurn
  }

  /// Runs until nothing can run, and fires no timer. Returns how many steps that took.
  @discardableResult package func runUntilIdle() -> Int {
    let before = steps
    while step(firesTimers: false) {}
    return steps - before
  }

  /// Lets time pass, timers firing in the order of their deadlines, and runs what they make runnable.
  package func advance(by duration: Duration) {
    let end = coarseNow.saturatingAdd(duration.nanosecondsClamped)
    runUntilIdle()
    while passTime(until: end) { while step() {} }
  }

  /// Moves the clock to the next deadline, or to the end, when that comes first: then it is false.
  package func passTime(until end: Int64) -> Bool {
    lock.withLock {
      guard let next = timers.first?.deadline, next <= end else {
        now = max(now, end)
        return false
      }
      now = max(now, next)
      return true
    }
  }

  /// Lets time pass and fires what is due, and runs nothing: as if it passed during what ran last.
  package func pass(_ duration: Duration) {
    lock.withLock { now += duration.nanosecondsClamped }
    while let next = lock.withLock({ timers.first?.deadline }), next <= coarseNow { fireFirst() }
  }

  // MARK: Looking

  package var isIdle: Bool { lock.withLock { ready.isEmpty && (timers.first.map { $0.deadline > now } ?? true) } }
  package var nextDeadline: Int64? { lock.withLock { timers.first?.deadline } }
  package var timerCount: Int { lock.withLock { timers.count } }
  package var allEscapes: [Escape] { lock.withLock { escapes } }
}

/// Who drives: a thread, and a task, which may be on another one when it drives again.
private struct Driver {
  private let task: UInt
  private let thread: UInt

  static var current: Driver {
    let task = withUnsafeCurrentTask { $0.map { unsafeBitCast($0, to: UInt.self) } ?? 0 }
    return Driver(task: task, thread: troupe_thread_self())
  }

  /// A task that it resumes, with an answer say, comes back on its thread.
  var isCalling: Bool {
    let caller = Driver.current
    return caller.thread == thread || caller.task != 0 && caller.task == task
  }
}

extension ActorSystem {
  /// A system that runs only when the scheduler is told to.
  package convenience init(_ name: String, simulatedBy scheduler: SimulatedScheduler, options: Options = Options()) {
    self.init(core: SystemCore(name: name, options: options, scheduler: scheduler, counts: scheduler.counts))
  }
}
