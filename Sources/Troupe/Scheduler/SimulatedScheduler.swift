/// A scheduler for tests: one thread, virtual time, and among what could run next a choice that depends on a seed alone.
///
/// Nothing runs but in `run`. Time passes only by `advance`. Tasks on the system's executor are part of it.
package final class SimulatedScheduler: Scheduler, @unchecked Sendable {
  package unowned(unsafe) var executor: WorkerExecutor!
  private var ready: [Runnable] = []
  private var timers = TimerHeap()
  private var now: Int64 = 1_000_000_000
  private var random: UInt64
  private var worker: Worker!
  /// Runnables may come from the thread that runs the simulation, and from nowhere else.
  private let lock = FutexLock()

  package init(seed: UInt64) {
    random = seed
    worker = Worker(self)
  }

  package var counts: [WorkerCounts] { [worker.counts] }

  package func schedule(_ runnable: Runnable) { lock.withLock { ready.append(runnable) } }
  package func yield(_ cell: Cell, on worker: Worker) { schedule(Runnable(cell)) }
  package var coarseNow: Int64 { now }
  package func deadline(after delay: Duration) -> Int64 { now.saturatingAdd(delay.nanosecondsClamped) }
  package func add(_ timer: Timer) { timers.add(timer) }
  package func cancel(_ timer: Timer) { timers.remove(timer) }
  package func stop() { worker.loops.end(on: worker) }
  // Nothing of the simulation may run anywhere else.
  package var loopPreference: (any TaskExecutor)? { executor }
  package var runsEverything: Bool { true }

  /// SplitMix64 (Steele, Lea and Flood, 2014).
  package func nextRandom() -> UInt64 {
    random &+= 0x9E37_79B9_7F4A_7C15
    var z = random
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Runs one thing that can run; false if there is none.
  package func step() -> Bool {
    lock.lock()
    guard !ready.isEmpty else {
      lock.unlock()
      return false
    }
    let index = Int(nextRandom() % UInt64(ready.count))
    ready.swapAt(index, ready.count - 1)
    let runnable = ready.removeLast()
    lock.unlock()
    worker.asCurrent { worker.execute(runnable) }
    return true
  }

  /// Runs until nothing can run. Returns how many steps that took.
  @discardableResult package func runUntilIdle() -> Int {
    var steps = 0
    while step() { steps += 1 }
    return steps
  }

  /// Lets time pass, firing timers in the order of their deadlines, and runs what they make runnable.
  package func advance(by duration: Duration) {
    let end = now + duration.nanosecondsClamped
    runUntilIdle()
    while let next = timers.first?.deadline, next <= end {
      now = max(now, next)
      fireDue()
      runUntilIdle()
    }
    now = end
  }

  private func fireDue() {
    while let timer = timers.first, timer.deadline <= now {
      timers.remove(timer)
      timer.fire()
    }
  }

  /// Lets time pass and fires what is due, and runs nothing: as if it passed during what ran last.
  package func pass(_ duration: Duration) {
    now += duration.nanosecondsClamped
    fireDue()
  }
}

extension ActorSystem {
  /// A system that runs only when the scheduler is told to.
  package convenience init(_ name: String, simulatedBy scheduler: SimulatedScheduler, options: Options = Options()) {
    self.init(core: SystemCore(name: name, options: options, scheduler: scheduler, counts: scheduler.counts))
  }
}
