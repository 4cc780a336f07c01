public import Troupe

/// A whole actor system on one thread, in virtual time, whose every choice follows from a seed.
///
/// ```swift
/// try Simulation.run(seed: 7) { simulation in
///   let account = simulation.system.spawn("alice") { Account() }
///   account.send(.deposit(500))
///   let balance = try await account.ask { .balance($0) }
///   try simulation.expect(balance == 500)
/// }
/// ```
/// Part of it are actors, synchronous and asynchronous, timers, asks, tasks that `start` began, what `run` was given, their child tasks,
/// nonisolated asynchronous functions and default actors that these call. Not part of it are unstructured tasks, the main actor, other executors,
/// `Task.sleep` and every wall clock: what comes back from there is noticed, and is an issue (`Issue.Kind.escape`).
///
/// A turn of an actor is one message, so that what actors do is interleaved in every way that is possible. Nothing runs unless one of the methods here makes
/// it; the thread that calls them may be any, one at a time. They may also be called by a task of the simulation, though not in a handler,
/// which stops the program.
///
/// Sendable because one thread at a time drives it, and everything else runs on that thread.
public final class Simulation: @unchecked Sendable {
  /// How a simulation is set up.
  public struct Options: Sendable {
    /// The name of the system.
    public var name: String
    /// Who runs next.
    public var strategy: Strategy
    /// What goes wrong.
    public var faults: [Fault]
    /// Of actors whose own options say nothing.
    public var supervision: Supervision
    /// Whether a dead letter that no `expectDeadLetter` accounts for is an issue at the end; those of the final shutdown are not.
    public var checksDeadLetters: Bool
    /// What may go on at the end without being an issue.
    public var allowed: Set<Issue.Kind>
    /// How many steps may pass in one call that runs the simulation; more are an issue. At least 1.
    public var stepLimit: Int
    /// How much virtual time may pass while something is waited for.
    public var timeLimit: Duration
    /// How many lines of history are kept.
    public var historyLimit: Int
    /// Gets the issues that are found at the end, in place of their being thrown.
    public var issueHandler: (@Sendable (SimulationFailure) -> Void)?

    /// The defaults, but for what is given.
    public init(
      name: String = "sim", strategy: Strategy = .random, faults: [Fault] = [], supervision: Supervision = .default,
      checksDeadLetters: Bool = false, allowed: Set<Issue.Kind> = [], stepLimit: Int = 1_000_000,
      timeLimit: Duration = .seconds(24 * 3600), historyLimit: Int = 100_000,
      issueHandler: (@Sendable (SimulationFailure) -> Void)? = nil
    ) {
      self.name = name
      self.strategy = strategy
      self.faults = faults
      self.supervision = supervision
      self.checksDeadLetters = checksDeadLetters
      self.allowed = allowed
      self.stepLimit = stepLimit
      self.timeLimit = timeLimit
      self.historyLimit = historyLimit
      self.issueHandler = issueHandler
    }
  }

  /// What everything follows from.
  public let seed: UInt64
  /// The system. Its actors run when the simulation does.
  public let system: ActorSystem
  let options: Options
  let scheduler: SimulatedScheduler
  let recorder: Recorder
  let choices: ChoiceLog
  var issues: [Issue] = []
  var tasks: [any UnfinishedTask] = []
  var startedTasks = 0
  var probes = 0
  var relays = 0
  var isFinished = false

  /// Makes a simulation in which nothing has happened yet. Finish it: what holds it from inside, such as an actor with a probe, goes then.
  public convenience init(seed: UInt64, options: Options = Options()) {
    self.init(seed: seed, options: options, chooser: options.strategy.chooser(seed))
  }

  init(seed: UInt64, options: Options, chooser: any Chooser) {
    self.seed = seed
    self.options = options
    recorder = Recorder(limit: options.historyLimit, injector: FaultInjector(options.faults, seed: seed))
    choices = ChoiceLog(chooser)
    scheduler = SimulatedScheduler(seed: seed ^ 0x7469_6D65, turn: 1, chooser: choices, interceptor: recorder)
    let recorder = recorder
    if FaultInjector(options.faults, seed: seed).delaysTimers { scheduler.lateness = { recorder.lateness() } }
    system = ActorSystem(
      options.name, simulatedBy: scheduler,
      options: ActorSystem.Options(supervision: options.supervision, log: { _ in }))
    recorder.attach(scheduler, system)
  }

  // What has not ended would keep its memory for good. Actors that hold this simulation, as by a probe, need `finish`.
  deinit {
    if isFinished { return }
    system.requestShutdown()
    var left = options.stepLimit
    while left > 0, scheduler.step(firesTimers: false) { left -= 1 }
  }

  /// What has happened so far.
  public var history: History { recorder.history }
  /// The virtual time that has passed since the start.
  public var now: Duration { recorder.time }
  /// How many things have run: turns of actors, parts of tasks, timers.
  public var steps: Int { scheduler.steps }
  /// The paths of the actors that have not ended, in the order in which they were spawned; those of the kit are not among them.
  public var livingActors: [String] { recorder.living.filter { !$0.isOurs }.map(\.path) }

  /// How often something came from a thread that is no part of the simulation: more than 0, and the run cannot be repeated.
  public var escapeCount: Int { scheduler.allEscapes.count }

  /// Writes a line of the test's own into the history.
  public func note(_ line: String) { recorder.note(line) }

  /// Who does what no actor does.
  @TaskLocal static var taskName = "test"
}
