/// Runs the jobs of native actors, that is, actors of the language itself, on the workers of a system.
///
/// An actor that returns this executor as its `unownedExecutor` runs on the same threads as the system's own actors. So
/// a call between it and an address in either direction needs no change of thread. The watchdog and `snapshot` see the
/// executor, and in a simulation of the test kit the actor is a part of the simulation.
///
/// ```swift
/// actor Ledger {
///   private nonisolated let executor: TroupeExecutor
///   nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
///   private var cents = 0
///
///   init(in system: ActorSystem) { executor = system.serialExecutor("ledger") }
///   func add(_ amount: Int) { cents += amount }
/// }
/// ```
///
/// The jobs run one at a time, in the order in which they were enqueued; their priorities do not matter. A job is the
/// part of a task between two suspensions. A call that waits in the middle of a method lets other calls in, as with any
/// actor of the language. Several actors may share one executor: then only one of them runs at a time, and a call from
/// one to another costs no switch.
///
/// An executor has no part in the life of its system. It takes every job, before, during and after the
/// shutdown, since an actor of the language cannot lose a job. After the shutdown the jobs still run on the
/// system's workers, which take a thread whenever there is a job and give it back afterwards. Only the
/// watchdog does not look any more. The executor keeps its system's memory, and the actor has to keep the
/// executor.
///
/// A job must not block its thread: a blocking call of this library stops the program there. After 256 jobs or some
/// milliseconds the executor lets others have their turn.
public final class TroupeExecutor: SerialExecutor {
  /// The name of the executor in reports and snapshots.
  public let name: String
  let jobs: LoopExecutor
  /// What `asUnownedSerialExecutor` returns. The language's runtime asks for it at each call of an actor.
  @usableFromInline let reference: UnownedSerialExecutor
  private let table: ExecutorTable

  fileprivate init(_ core: SystemCore, name: String?, highWater: Int) {
    table = core.executors
    let number = table.nextNumber()
    let name = name ?? "executor-\(number)"
    self.name = name
    jobs = LoopExecutor(
      core.scheduler, runsHandlers: false, backlog: JobBacklog(core, name: name, limit: max(0, highWater)))
    reference = jobs.asUnownedSerialExecutor()
    table.add(jobs, number)
  }

  deinit { table.remove(jobs) }

  /// Has a worker run a job after all that were enqueued before. It never waits. The language's runtime calls this, on
  /// any thread. O(1).
  public func enqueue(_ job: consuming ExecutorJob) { jobs.enqueue(job) }

  /// Returns a reference to this executor that is not counted, for an actor's `unownedExecutor`. The actor must keep
  /// the executor in a property. Any thread may call this. O(1).
  @inlinable public func asUnownedSerialExecutor() -> UnownedSerialExecutor { reference }

  /// Stops the program, with a message that names the executor, unless the caller runs in one of its jobs. The
  /// language's runtime calls this for `assumeIsolated`.
  public func checkIsolated() { jobs.checkIsolated() }

  /// Whether the caller runs in one of this executor's jobs. Any thread may ask. It is never nil. O(1).
  @available(macOS 26.0, iOS 26.0, watchOS 26.0, tvOS 26.0, visionOS 26.0, *)
  public func isIsolatingCurrentContext() -> Bool? { jobs.isCurrent }

  /// Whether the other executor is this one. Only then do actors on both exclude each other. Any thread may ask. O(1).
  public func isSameExclusiveExecutionContext(other: TroupeExecutor) -> Bool { self === other }

  /// The number of jobs that run or wait now, which others change meanwhile. Any thread may ask. O(1).
  public var jobCount: Int { jobs.jobCount }
}

extension ActorSystem {
  /// Makes a serial executor on the workers of this system, for an actor of the language; see `TroupeExecutor`.
  ///
  /// ```swift
  /// executor = system.serialExecutor("ledger", highWater: 1000)
  /// ```
  ///
  /// Any thread may call this, also after the system has been shut down. O(1).
  ///
  /// - Parameters:
  ///   - name: The name of the executor in reports and snapshots, which need not be unique. Nil gives it a number.
  ///   - highWater: From so many waiting jobs on, the backlog is reported in the log and to the observer
  ///     (`SystemEvent.backlog`). The report is repeated only after the backlog has shrunk to half of that. No job is
  ///     ever refused. Zero turns the report off, and nil means `Options.highWater`.
  public func serialExecutor(_ name: String? = nil, highWater: Int? = nil) -> TroupeExecutor {
    TroupeExecutor(core, name: name, highWater: highWater ?? core.options.highWater)
  }
}
