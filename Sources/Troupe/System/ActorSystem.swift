internal import CTroupeShims
import Synchronization

/// A tree of actors, and the workers that run them.
///
/// A system lives until `shutdown`: dropping the last reference to it stops nothing.
public final class ActorSystem: Sendable {
  /// The settings of a system.
  public struct Options: Sendable {
    /// The number of workers, that is, of threads that run actors, between 1 and 64. Nil means one for each processor,
    /// up to 64.
    public var workers: Int?
    /// From so many messages on, an unbounded mailbox is reported as long, in the log and to the observer. The check is
    /// made at the end of a turn, and the report is repeated only after the mailbox has shrunk to half of that. Zero
    /// turns it off.
    public var highWater: Int
    /// What happens to actors that fail, unless their own options say otherwise.
    public var supervision: Supervision
    /// Where the runtime writes lines of its log: to standard error by default. It is called on any thread.
    public var log: @Sendable (String) -> Void
    /// Is told of everything that happens to actors; see `SystemEvent`. It runs on the thread on which the event
    /// happens, so it must be quick and must not block. It is not told of what it causes itself, for instance by a
    /// message to an actor that has ended. The system keeps the closure and what it captures, so events that it keeps
    /// also keep the memory of the system. If it is nil, an event costs one branch.
    public var observer: (@Sendable (SystemEvent) -> Void)?
    /// Whether to measure each actor's time in handlers, which costs two readings of a clock for each turn. See
    /// `ActorSnapshot.timeInHandlers`.
    public var measuresTime: Bool
    /// Is told of every dead letter, on the thread that sent or dropped the message. If it throws, the error is logged
    /// and has no other effect. The system keeps the closure and what it captures, so an address in it keeps the memory
    /// of the system. Dead letters that it causes itself are counted, but it is not told of them.
    public var deadLetterListener: (@Sendable (DeadLetter) throws -> Void)?
    /// The largest number of threads for actors on `Dispatcher.blocking`, at least 1. Pinned actors have threads of
    /// their own, which do not count.
    public var blockingThreads: Int
    /// How long a thread for blocking actors waits for work before it ends.
    package var blockingPatience = Duration.seconds(5)
    /// Reports handlers that run too long; nil turns that off.
    public var watchdog: Watchdog?
    /// The steps of a shutdown, in their order. `actors` must be among them and no name may occur twice, or the program
    /// stops.
    public var shutdownPhases = ShutdownPhase.standard

    /// Makes options with the default for everything that is not given.
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
  /// The program stops if the name is empty or has a `/`, if the number of workers is not between 1 and 64, if there is
  /// no thread for blocking actors, or if the watchdog's limit is below 20 milliseconds.
  public init(_ name: String = "troupe", options: Options = Options()) {
    guard !name.isEmpty else {
      fatalError("Troupe: a system's name must not be empty; leave it out to have the default")
    }
    guard !name.utf8.contains(UInt8(ascii: "/")) else {
      fatalError("Troupe: a system's name must not contain a '/', which separates the names in a path, and is \(name)")
    }
    let workers = options.workers ?? min(64, Int(troupe_processor_count()))
    guard (1...64).contains(workers) else {
      fatalError("Troupe: a system must have between 1 and 64 workers, not \(workers)")
    }
    guard options.blockingThreads >= 1 else {
      fatalError("Troupe: a system must have at least 1 thread for blocking actors, not \(options.blockingThreads)")
    }
    let scheduler = PoolScheduler(workers: workers)
    core = SystemCore(
      name: name, options: options, scheduler: scheduler, counts: scheduler.workers.map { $0.counts })
    // The report does not go through the core, which the pool may outlive.
    let report: @Sendable (Watchdog.Report) -> Void = { report in
      options.log("\(name): watchdog: \(report)")
      options.observer?(.watchdog(report))
    }
    scheduler.watch = options.watchdog.map {
      PoolWatch($0, table: core.table, executors: core.executors, report: report)
    }
  }

  init(core: SystemCore) { self.core = core }

  /// The name of the system.
  public var name: String { core.name }

  /// A task executor that runs tasks on the workers of this system, beside its actors.
  public var executor: WorkerExecutor { core.scheduler.executor }

  /// Ends an actor after the message that it has in hand, and returns at once. The mode decides whether queued messages
  /// become dead letters or are handled first. It does nothing to an actor that has ended or is stopping; with `.now`
  /// it ends an actor that drains.
  public func stop<Message: ~Copyable>(_ address: Address<Message>, _ mode: StopMode = .now) {
    address.target.cell.post(mode.bit)
  }

  /// Makes an actor handle no messages until `resume`, even if it has not started yet or is restarted meanwhile.
  /// Messages queue up. The actor can still be stopped.
  public func suspend<Message: ~Copyable>(_ address: Address<Message>) {
    address.target.cell.post(ControlWord.suspend, replacing: ControlWord.resume)
  }

  /// Lets an actor handle messages again after `suspend`.
  public func resume<Message: ~Copyable>(_ address: Address<Message>) {
    address.target.cell.post(ControlWord.resume, replacing: ControlWord.suspend)
  }

  /// Ends the incarnation of an actor after the message in hand and starts the next one at once, as its supervision
  /// would after a failure. It does nothing for an actor that was spawned by value, which has no factory.
  public func restart<Message: ~Copyable>(_ address: Address<Message>) { address.target.cell.post(ControlWord.restart) }

  /// The figures of a system. They are read one after the other while the system runs, so they need not be of one
  /// moment.
  public struct Counts: Sendable, Equatable {
    /// The number of messages whose handler returned.
    public var handled = 0
    /// The number of messages whose handler threw.
    public var failed = 0
    /// The number of errors thrown by handlers, hooks and factories.
    public var failures = 0
    /// The number of times that an actor was restarted.
    public var restarts = 0
    /// The number of messages that reached no handler, by reason.
    public var deadLetters: [DeadLetter.Reason: Int] = [:]
    /// The number of all dead letters.
    public var allDeadLetters: Int { deadLetters.values.reduce(0, +) }
    /// The number of actors directly below the system that have not ended.
    public var topLevelActors = 0
  }

  /// What has happened so far. Messages of a turn that is under way are counted when the turn ends. From any thread.
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
  /// Part of the runtime: chooses where a new actor at the top of the tree goes.
  public func position(for name: String?) -> SpawnPosition { SpawnPosition(place: core.table.place(name)) }
}
