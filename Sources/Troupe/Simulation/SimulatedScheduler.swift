internal import CTroupeShims

// This folder holds the scheduler for tests, which runs a system on one thread in virtual time, and what lets the test
// kit see and change what happens in such a system.

/// A scheduler for tests. It has one thread and a virtual clock, and a `Chooser` says what runs next. So a run depends
/// on nothing but the seed.
///
/// Something runs only while `step`, or a function that calls it, is called. Time passes only in `advance`, `passTime`
/// and `pass`. Tasks with the system's executor are part of the simulation.
///
/// Sendable because what changes is under the lock, or is touched only by the thread that drives the simulation.
package final class SimulatedScheduler: Scheduler, @unchecked Sendable {
  package unowned(unsafe) var executor: WorkerExecutor!
  package let interceptor: (any Interceptor)?
  private let chooser: any Chooser
  private var worker: Worker!
  /// It guards what other threads may touch. They are not supposed to send to a simulation, but must do no harm when
  /// they do.
  private let lock = FutexLock()
  /// What can run, in the order in which it became runnable.
  private var ready: [Candidate] = []
  /// How many things have become runnable so far.
  private var added = 0
  private var timers = TimerHeap()
  private var now: Int64 = 1_000_000_000
  private var random: SplitMix
  /// What the choices of selections (`Channel.select`) in this simulation follow from.
  private var selecting: SplitMix
  private var escapes: [Escape] = []
  /// The thread that is in `step` now, or 0.
  private var running: UInt = 0
  /// Who has driven the simulation last.
  private var driver = Driver.current
  /// The actor whose turn runs now, if a cell runs and not a job.
  private var cellInTurn: Cell?
  /// Whether a timer is being fired.
  package private(set) var isFiring = false
  /// Returns a time that is added to the deadline of a timer. If it is nil, timers are exact. The test kit sets it.
  package var lateness: (@Sendable () -> Duration)?
  /// How much time passes at the end of the simulation, after the shutdown of its system has begun. Something that
  /// needs time to end, as connections do, sets this.
  package var settlingTime = Duration.zero
  /// How many steps the simulation has made.
  package private(set) var steps = 0

  /// Something that became runnable on a thread that is not the simulation's. From then on the run does not depend on
  /// the seed alone, so the test kit reports it.
  package struct Escape: Sendable {
    /// The path of the actor that got a message, or whose handler came back. It is nil for a task.
    package let actor: String?
    /// When that was, on the virtual clock.
    package let time: Duration
  }

  /// Makes a scheduler with nothing to run, whose clock stands at one second.
  ///
  /// - Parameters:
  ///   - turn: How many messages an actor handles before another may go on.
  ///   - chooser: Says what runs next. If it is nil, each candidate is chosen with the same probability by the seed.
  package init(
    seed: UInt64, turn: Int = Turn.messageLimit, chooser: (any Chooser)? = nil, interceptor: (any Interceptor)? = nil
  ) {
    random = SplitMix(seed: seed)
    selecting = SplitMix(seed: seed ^ 0x7365_6C65)
    self.chooser = chooser ?? UniformChooser(seed: seed)
    self.interceptor = interceptor
    worker = Worker(self)
    worker.turnReduction = Turn.messageLimit - turn
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

  /// Whether what became runnable comes from outside of the simulation. Called under the lock.
  ///
  /// While something runs, that is whatever another thread brings. While nothing runs any thread may send, for instance
  /// the test before it drives on. But a job that anyone except the driver brings then is one that was resumed
  /// elsewhere.
  private func comesFromElsewhere(_ runnable: Runnable) -> Bool {
    if running != 0 { return troupe_thread_self() != running }
    return !runnable.isCell && !driver.isCalling
  }

  package func yield(_ runnable: Runnable, on worker: Worker) { schedule(runnable) }
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
  // What asynchronous handlers await runs here as well, so that nothing of the simulation runs anywhere else.
  package var loopPreference: (any TaskExecutor)? { executor }
  package var runsEverything: Bool { true }
  package func nextRandom() -> UInt64 { lock.withLock { random.next() } }

  // MARK: Running

  /// Makes the caller the one that drives the simulation from now on.
  package func drive() { lock.withLock { if running == 0 { driver = Driver.current } } }

  /// Runs one thing that can run, or fires one timer that is due. Returns false if there is neither.
  ///
  /// One thread at a time may call this. A task of the simulation itself may call it too, and waits for what it runs. A
  /// handler must not.
  ///
  /// - Parameter firesTimers: Whether a timer that is due is one of the candidates. It is false where no time is to
  ///   pass, so that a timer which is due at once and sets itself again does not fire for ever.
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

  /// Runs something as the simulation's worker. A task of the simulation may have called `step`, so its own place is
  /// put aside meanwhile.
  private func run(_ runnable: Runnable) {
    let (loop, cell) = (troupe_current_loop(), cellInTurn)
    troupe_set_current_loop(nil)
    troupe_random_seed(selecting.next())
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

  /// Whether something of the simulation runs on the calling thread.
  package var isInside: Bool { Worker.current === worker }

  /// Whether a handler or a hook runs on the calling thread. The simulation must not be driven from there.
  package var isInHandler: Bool { worker.isRunningCell && Worker.current === worker }

  /// The actor whose handler, hook or factory runs on the calling thread. It is nil if none does.
  package var currentCell: Cell? {
    (LoopExecutor.withCurrentHandler { $0.cell?.takeUnretainedValue() } ?? nil) ?? cellInTurn
  }

  /// Runs until nothing can run, without firing timers. Returns the number of steps that it made.
  @discardableResult package func runUntilIdle() -> Int {
    let before = steps
    while step(firesTimers: false) {}
    return steps - before
  }

  /// Lets time pass. Runs what can run before that, fires timers in the order of their deadlines, and runs what they
  /// make runnable.
  package func advance(by duration: Duration) {
    let end = coarseNow.saturatingAdd(duration.nanosecondsClamped)
    runUntilIdle()
    while passTime(until: end) { while step() {} }
  }

  /// Moves the clock to the next deadline of a timer and returns true. If that lies behind `end` or there is none,
  /// moves the clock to `end` and returns false. It fires nothing.
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

  /// Lets time pass and fires the timers that are due, but runs nothing, as if the time had passed during whatever ran
  /// last.
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

/// Who drives a simulation: a thread, and the task that runs on it, if any. The task may be on another thread when it
/// drives again.
private struct Driver {
  private let task: UInt
  private let thread: UInt

  static var current: Driver {
    let task = withUnsafeCurrentTask { $0.map { unsafeBitCast($0, to: UInt.self) } ?? 0 }
    return Driver(task: task, thread: troupe_thread_self())
  }

  /// Whether the calling thread or task is this one. A task of the simulation that the driver resumes, by an answer for
  /// instance, becomes runnable on the driver's thread.
  var isCalling: Bool {
    let caller = Driver.current
    return caller.thread == thread || caller.task != 0 && caller.task == task
  }
}

extension ActorSystem {
  /// Makes a system that runs only when the scheduler is told to.
  package convenience init(_ name: String, simulatedBy scheduler: SimulatedScheduler, options: Options = Options()) {
    self.init(core: SystemCore(name: name, options: options, scheduler: scheduler, counts: scheduler.counts))
  }
}
