internal import CTroupeShims
import Synchronization

/// The state of an actor system that its cells refer to. They hold it, so that an address works for as long as someone
/// has it.
@usableFromInline package final class SystemCore: @unchecked Sendable {
  let name: String
  @usableFromInline let scheduler: any Scheduler
  let schedulerID: ObjectIdentifier
  let executor: WorkerExecutor
  let options: ActorSystem.Options
  let observer: (@Sendable (SystemEvent) -> Void)?
  /// The test kit's interceptor; nil if the system is not simulated.
  @usableFromInline let interceptor: (any Interceptor)?
  let deadLetters: DeadLetterOffice
  let asks = AskCycles()
  /// The counters of the scheduler's workers. Those of the other dispatchers' threads are in `dispatchers`.
  let workerCounts: [WorkerCounts]
  let dispatchers: Dispatchers
  let extensions = SystemExtensions()
  let executors = ExecutorTable()
  private(set) var table: ChildTable!
  let plan: ShutdownPlan
  private let lock = FutexLock()
  private var shutdown: ShutdownState = .running
  /// Whether the phases after the actors' have begun. Whether they are over is in `isReleased`.
  private var isReleasing = false
  private var isReleased = false
  /// Whether no actor lives any more.
  private var isEmpty = false
  /// The timer for the deadline of the actors' phase. It is set before the actors are stopped, and read after they
  /// have.
  private var actorsTimer: ActionTimer?
  /// The counts at the beginning of the shutdown, which the report subtracts.
  private var handledBefore = 0
  private var droppedBefore = 0
  /// Those who want to be woken when the system has stopped, without having asked for the shutdown.
  private var endWaiters: [ShutdownWaiter] = []

  enum ShutdownState {
    case running
    case stopping([ShutdownWaiter])
    case ended
  }

  init(name: String, options: ActorSystem.Options, scheduler: any Scheduler, counts: [WorkerCounts]) {
    self.name = name
    self.options = options
    observer = options.observer
    self.scheduler = scheduler
    interceptor = (scheduler as? SimulatedScheduler)?.interceptor
    schedulerID = ObjectIdentifier(scheduler)
    executor = WorkerExecutor(scheduler)
    workerCounts = counts
    dispatchers = Dispatchers(scheduler, threadLimit: options.blockingThreads, patience: options.blockingPatience)
    let log = options.log
    deadLetters = DeadLetterOffice(options) { log("\(name): \($0)") }
    plan = ShutdownPlan(options.shutdownPhases)
    table = ChildTable(system: self, owner: nil)
  }

  func log(_ line: String) { options.log("\(name): \(line)") }

  @usableFromInline func deadLetter<Message: ~Copyable>(
    _ reason: DeadLetter.Reason, for cell: Cell, _ type: Message.Type
  ) {
    cell.meter?.add(reason)
    deadLetters.receive(reason, for: cell, typeName(type), now: scheduler.coarseNow)
    if let interceptor {
      interceptor.makesDeadLetter(
        DeadLetter(recipient: cell.path, messageType: typeName(type), reason: reason), of: cell)
    }
  }

  // MARK: Shutdown

  /// Whether actors drain, that is, handle what is queued before they stop. The bits that ask an actor at the top, and
  /// a child, to stop depend on it.
  private let isDraining = Atomic<Bool>(false)
  private var topBit: UInt32 { drains ? ControlWord.drain : ControlWord.systemStopped }
  var childBit: UInt32 { drains ? ControlWord.drain : ControlWord.parentStopped }
  var drains: Bool { isDraining.load(ordering: .relaxed) }

  /// Starts the shutdown, which should take no longer than the timeout. Only the first call does something.
  func beginShutdown(_ mode: StopMode, within timeout: Duration? = nil) {
    let isFirst = lock.withLock { () -> Bool in
      guard case .running = shutdown else { return false }
      shutdown = .stopping([])
      handledBefore = handled
      droppedBefore = deadLetters.count(.queuedAtEnd)
      return true
    }
    guard isFirst else { return }
    isDraining.store(mode == .drain, ordering: .relaxed)
    plan.begin(until: timeout.map { scheduler.deadline(after: $0) } ?? .max)
    guard plan.hasTasks(plan.before) else {
      for phase in plan.before { tell(.shutdown(phase)) }
      return stopActors()
    }
    _ = TaskRunner(scheduler).start {
      await self.plan.run(self.plan.before, in: self)
      self.stopActors()
    }
  }

  private func stopActors() {
    if let deadline = plan.actorsDeadline {
      let timer = ActionTimer(deadline: scheduler.deadline(after: deadline)) { [self] _ in release(isEmpty: false) }
      actorsTimer = timer
      scheduler.add(timer)
    }
    if table.close(topBit, whenEmpty: { [self] in release(isEmpty: true) }) {
      release(isEmpty: true)
    }
  }

  /// Called when the actors have ended, and when their time is over. The first call runs the phases after the actors';
  /// when those are over and no actor lives, the system has stopped.
  private func release(isEmpty: Bool) {
    let (isFirst, isEnd) = lock.withLock { () -> (Bool, Bool) in
      if isEmpty { self.isEmpty = true }
      let isFirst = !isReleasing
      isReleasing = true
      return (isFirst, isReleased && isEmpty)
    }
    if isEnd { return shutdownEnded() }
    guard isFirst else { return }
    guard plan.hasTasks(plan.after) else {
      for phase in plan.after { tell(.shutdown(phase)) }
      return released()
    }
    _ = TaskRunner(scheduler).start {
      await self.plan.run(self.plan.after, in: self)
      self.released()
    }
  }

  private func released() {
    lock.lock()
    isReleased = true
    let isEnd = isEmpty
    var waiting: [ShutdownWaiter] = []
    if !isEnd, case .stopping(let waiters) = shutdown {
      waiting = waiters
      shutdown = .stopping([])
    }
    lock.unlock()
    if isEnd { return shutdownEnded() }
    for each in waiting { each.parker.signal() }
  }

  private func shutdownEnded() {
    if let timer = actorsTimer.take() { scheduler.cancel(timer) }
    lock.lock()
    let before = shutdown
    shutdown = .ended
    let ends = endWaiters
    endWaiters = []
    lock.unlock()
    scheduler.stop()
    dispatchers.stop()
    extensions.close()
    if case .stopping(let waiting) = before { for each in waiting { each.parker.signal() } }
    for each in ends { each.parker.signal() }
  }

  /// Has the waiter signalled when everything has stopped. Returns false if it has already.
  func wakeAtEnd(_ waiter: ShutdownWaiter) -> Bool {
    lock.withLock {
      if case .ended = shutdown { return false }
      endWaiters.append(waiter)
      return true
    }
  }

  /// Ends those actors at once that drain and are not done. Returns false if nothing drains.
  func dropRest() -> Bool {
    guard isDraining.exchange(false, ordering: .relaxed) else { return false }
    table.stopAll(ControlWord.systemStopped)
    return true
  }

  /// Suspends until the shutdown is over, and returns true; or until the timeout passes, and returns false.
  func waitForShutdown(_ timeout: Duration?) async -> Bool {
    let waiter = ShutdownWaiter(
      deadline: timeout.map { scheduler.deadline(after: $0) } ?? .max)
    let isOver = lock.withLock { () -> Bool in
      guard case .stopping(let waiting) = shutdown, !isReleased else { return true }
      shutdown = .stopping(waiting + [waiter])
      return false
    }
    if isOver { return true }
    if waiter.deadline != .max { scheduler.add(waiter) }
    await waiter.parker.wait()
    if waiter.deadline != .max { scheduler.cancel(waiter) }
    let isLate = lock.withLock { if case .stopping = shutdown { !isReleased } else { false } }
    if isLate { plan.hurry() }
    return !isLate
  }

  var shutdownReport: ShutdownReport {
    let (handledBefore, droppedBefore) = lock.withLock { (self.handledBefore, self.droppedBefore) }
    return ShutdownReport(
      drained: handled - handledBefore, dropped: deadLetters.count(.queuedAtEnd) - droppedBefore,
      stuck: table.children.map { $0.path }, tasks: plan.report)
  }

  /// The number of messages whose handler returned.
  private var handled: Int {
    (workerCounts + dispatchers.workers.counts).reduce(0) { $0 + $1.handled.load(ordering: .relaxed) }
  }

  var isShutDown: Bool {
    lock.withLock {
      if case .running = shutdown { false } else { true }
    }
  }
}

/// Waits for the end of a system. As a timer it fires when the one who waits has waited for long enough.
final class ShutdownWaiter: Timer, @unchecked Sendable {
  let parker = Parker()
  override func fire() { parker.signal() }
}

/// Writes a line of the runtime's log to standard error, which is where they go by default.
func logToStandardError(_ line: String) {
  var text = "troupe: "
  text.reserveCapacity(line.utf8.count + 9)
  text += line
  text += "\n"
  text.withUTF8 { bytes in
    bytes.withMemoryRebound(to: CChar.self) { troupe_write_stderr($0.baseAddress, $0.count) }
  }
}
