internal import CTroupeShims
import Synchronization

/// What an actor system is underneath. Cells hold it, so that an address works for as long as someone has it.
@usableFromInline package final class SystemCore: @unchecked Sendable {
  let name: String
  @usableFromInline let scheduler: any Scheduler
  let schedulerID: ObjectIdentifier
  let executor: WorkerExecutor
  let options: ActorSystem.Options
  let deadLetters: DeadLetterOffice
  let asks = AskCycles()
  /// Counts of workers, and of what runs outside of one.
  let workerCounts: [WorkerCounts]
  let dispatchers: Dispatchers
  let extensions = SystemExtensions()
  private(set) var table: ChildTable!
  private let lock = FutexLock()
  private var shutdown: ShutdownState = .running
  /// Who wants to be woken at the end without asking for it.
  private var endWaiters: [ShutdownWaiter] = []

  enum ShutdownState {
    case running
    case stopping([ShutdownWaiter])
    case ended
  }

  init(name: String, options: ActorSystem.Options, scheduler: any Scheduler, counts: [WorkerCounts]) {
    self.name = name
    self.options = options
    self.scheduler = scheduler
    schedulerID = ObjectIdentifier(scheduler)
    executor = WorkerExecutor(scheduler)
    workerCounts = counts
    dispatchers = Dispatchers(scheduler, threadLimit: options.blockingThreads, patience: options.blockingPatience)
    let log = options.log
    deadLetters = DeadLetterOffice(listener: options.deadLetterListener) { log("\(name): \($0)") }
    table = ChildTable(system: self, owner: nil)
  }

  func log(_ line: String) { options.log("\(name): \(line)") }

  @usableFromInline func deadLetter<Message: ~Copyable>(
    _ reason: DeadLetter.Reason, for cell: Cell, _ type: Message.Type
  ) {
    deadLetters.receive(reason, for: cell, typeName(type), now: scheduler.coarseNow)
  }

  // MARK: Shutdown

  /// Starts to stop everything, once. Returns false if that has been done before.
  @discardableResult func beginShutdown() -> Bool {
    let isFirst = lock.withLock { () -> Bool in
      if case .running = shutdown {
        shutdown = .stopping([])
        return true
      }
      return false
    }
    guard isFirst else { return false }
    if table.close(ControlWord.systemStopped, whenEmpty: { [self] in shutdownEnded() }) { shutdownEnded() }
    return true
  }

  private func shutdownEnded() {
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

  /// Signals the waiter when everything has stopped; false if it has.
  func wakeAtEnd(_ waiter: ShutdownWaiter) -> Bool {
    lock.withLock {
      if case .ended = shutdown { return false }
      endWaiters.append(waiter)
      return true
    }
  }

  /// Suspends until everything has stopped, or the deadline.
  func waitForShutdown(_ timeout: Duration?) async {
    let waiter = ShutdownWaiter(
      deadline: timeout.map { scheduler.coarseNow.addingReportingOverflow($0.nanosecondsClamped) }.map {
        $0.overflow ? .max : $0.partialValue
      } ?? .max)
    let isOver = lock.withLock { () -> Bool in
      guard case .stopping(let waiting) = shutdown else { return true }
      shutdown = .stopping(waiting + [waiter])
      return false
    }
    if isOver { return }
    if waiter.deadline != .max { scheduler.add(waiter) }
    await waiter.parker.wait()
    if waiter.deadline != .max { scheduler.cancel(waiter) }
  }

  var isShutDown: Bool {
    lock.withLock {
      if case .running = shutdown { false } else { true }
    }
  }
}

/// One that waits for the end of a system.
final class ShutdownWaiter: Timer, @unchecked Sendable {
  let parker = Parker()
  override func fire() { parker.signal() }
}

/// Where lines of the runtime go unless told otherwise.
func logToStandardError(_ line: String) {
  var line = "troupe: " + line + "\n"
  line.withUTF8 { bytes in
    bytes.withMemoryRebound(to: CChar.self) { troupe_write_stderr($0.baseAddress, $0.count) }
  }
}
