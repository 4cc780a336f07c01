internal import CTroupeShims
import Synchronization

/// A tree of actors, and the workers that run them.
///
/// It lives until `shutdown`: to drop the last reference to it stops nothing.
public final class ActorSystem: Sendable {
  /// How a system is set up.
  public struct Options: Sendable {
    /// Workers, that is, threads that run actors at a time: between 1 and 64. Nil: as many as there are processors.
    public var workers: Int?
    /// When an actor's unbounded mailbox has about so many messages queued at the end of a turn, the log says so, once until it has
    /// gone down to half of that. 0: never.
    public var highWater: Int
    /// What happens to actors that fail, unless their own options say.
    public var supervision: Supervision
    /// Where lines of the runtime go; to standard error unless told otherwise. Called on any thread.
    public var log: @Sendable (String) -> Void
    /// Hears of everything that happens to actors, on the thread on which it happens: it must be quick and must not block. What it causes itself, by a
    /// message to an actor that has ended say, is not told. The system keeps it, and so what it captures: events that it keeps, with the actors that they name, keep the system's
    /// memory in turn. Nil costs a branch an event.
    public var observer: (@Sendable (SystemEvent) -> Void)?
    /// Whether each actor's time in handlers is measured: two looks at a clock a turn; see `ActorSnapshot.timeInHandlers`.
    public var measuresTime: Bool
    /// Hears of every dead letter, on the thread that sent or dropped it. What it throws is logged and goes nowhere else.
    /// The system keeps it: what it captures, such as an address, keeps the system's memory in turn.
    /// The dead letters that it makes itself are counted, but not told to it.
    public var deadLetterListener: (@Sendable (DeadLetter) throws -> Void)?
    /// Threads for actors on `Dispatcher.blocking`, at most; at least 1. Pinned actors have their own, which do not count.
    public var blockingThreads: Int
    /// How long such a thread waits for work before it ends.
    package var blockingPatience = Duration.seconds(5)
    /// Reports handlers that run too long; nil: nobody does.
    public var watchdog: Watchdog?
    /// The steps of a shutdown. `actors` must be among them, and no name twice; else the program stops.
    public var shutdownPhases = ShutdownPhase.standard

    /// The defaults, but for what is given.
    public init(
      workers: Int? = nil, supervision: Supervision = .default, highWater: Int = 100_000,
      log: (@Sendable (String) -> Void)? = nil,
      deadLetterListener: (@Sendable (DeadLetter) throws -> Void)? = nil, blockingThreads: Int = 512,
      watchdog: Watchdog? = Watchdog(), observer: (@Sendable (SystemEvent) -> Void)? = nil, measuresTime: Bool = false
    ) {
      self.workers = workers
      self.supervision = supervision
      self.highWater = max(0, highWater)
      self.log = log ?? logToStandardError
      self.deadLetterListener = deadLetterListener
      self.blockingThreads = blockingThreads
      self.watchdog = watchdog
      self.observer = observer
      self.measuresTime = measuresTime
    }
  }

  let core: SystemCore

  /// Starts a system. The name is the first part of its actors' paths.
  ///
  /// An empty name, one with a `/`, a number of workers outside of 1 to 64, no thread for blocking actors, or a watchdog with a
  /// limit below 20 milliseconds stops the program.
  public init(_ name: String = "troupe", options: Options = Options()) {
    guard !name.isEmpty else { fatalError("Troupe: a system's name must not be empty") }
    guard !name.utf8.contains(UInt8(ascii: "/")) else {
      fatalError("Troupe: a system's name must not contain a '/': \(name)")
    }
    let workers = options.workers ?? min(64, Int(troupe_processor_count()))
    guard (1...64).contains(workers) else {
      fatalError("Troupe: a system has between 1 and 64 workers, not \(workers)")
    }
    guard options.blockingThreads >= 1 else {
      fatalError("Troupe: a system has at least 1 thread for blocking actors, not \(options.blockingThreads)")
    }
    let scheduler = PoolScheduler(workers: workers)
    core = SystemCore(
      name: name, options: options, scheduler: scheduler, counts: scheduler.workers.map { $0.counts })
    // Not by the core, which the pool may outlive.
    let report: @Sendable (Watchdog.Report) -> Void = { report in
      options.log("\(name): watchdog: \(report)")
      options.observer?(.watchdog(report))
    }
    scheduler.watch = options.watchdog.map { PoolWatch($0, table: core.table, report: report) }
  }

  init(core: SystemCore) { self.core = core }

  /// The name.
  public var name: String { core.name }

  /// Runs tasks on the workers of this system, beside its actors.
  public var executor: WorkerExecutor { core.scheduler.executor }

  /// Ends an actor after the message that it has in hand. What is queued becomes dead letters, or is handled first. To stop one
  /// that has ended, or twice, does nothing; to stop one that drains ends it now.
  public func stop<Message: ~Copyable>(_ address: Address<Message>, _ mode: StopMode = .now) {
    address.target.cell.post(mode.bit)
  }

  /// Lets an actor handle no messages until `resume`, also if it has not started yet or is restarted meanwhile. It can be stopped;
  /// messages queue up.
  public func suspend<Message: ~Copyable>(_ address: Address<Message>) {
    address.target.cell.post(ControlWord.suspend, replacing: ControlWord.resume)
  }

  /// Ends what `suspend` began.
  public func resume<Message: ~Copyable>(_ address: Address<Message>) {
    address.target.cell.post(ControlWord.resume, replacing: ControlWord.suspend)
  }

  /// Ends the incarnation after the message in hand, and starts the next at once, as its supervision would after a failure. Does
  /// nothing for an actor that was spawned by value.
  public func restart<Message: ~Copyable>(_ address: Address<Message>) { address.target.cell.post(ControlWord.restart) }

  /// The figures of a system. They are read one after the other, while it runs.
  public struct Counts: Sendable, Equatable {
    /// Messages whose handler returned.
    public var handled = 0
    /// Messages whose handler threw.
    public var failed = 0
    /// Errors thrown by handlers, hooks and factories.
    public var failures = 0
    /// Incarnations that followed another.
    public var restarts = 0
    /// Messages that reached no handler, by reason.
    public var deadLetters: [DeadLetter.Reason: Int] = [:]
    /// All of those.
    public var allDeadLetters: Int { deadLetters.values.reduce(0, +) }
    /// Actors directly below the system that have not ended.
    public var topLevelActors = 0
  }

  /// What has happened so far. Messages of a turn that is under way are counted when it ends.
  public var counts: Counts {
    var counts = Counts()
    for worker in core.workerCounts + core.dispatchers.workers.counts {
      counts.handled += worker.handled.load(ordering: .relaxed)
      counts.failed += worker.failed.load(ordering: .relaxed)
      counts.failures += worker.failures.load(ordering: .relaxed)
      counts.restarts += worker.restarts.load(ordering: .relaxed)
    }
    for reason in DeadLetter.Reason.allCases {
      let count = core.deadLetters.count(reason)
      if count > 0 { counts.deadLetters[reason] = count }
    }
    counts.topLevelActors = core.table.childCount
    return counts
  }
}

extension ActorSystem: Spawner {
  /// For `Spawner`.
  public func place(for name: String?) -> SpawnPlace { SpawnPlace(place: core.table.place(name)) }
}
