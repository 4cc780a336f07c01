public import Troupe

/// Runs a whole actor system on one thread and in virtual time, with every choice following from a seed. A test of a
/// concurrent service is then fast, never sleeps, and fails again in the same way when it is run again.
///
/// ```swift
/// try Simulation.run(seed: 7) { simulation in
///   let account = simulation.system.spawn("alice") { Account() }
///   account.send(.deposit(500))
///   let balance = try await account.ask { .balance($0) }
///   try simulation.expect(balance == 500)
/// }
/// ```
/// Actors, synchronous and asynchronous, timers and asks are part of a simulation. So are tasks that `start` began,
/// the body that `run` was given, their child tasks, and the nonisolated asynchronous functions and default actors
/// that these call. Unstructured tasks, the main actor, other executors, `Task.sleep` and wall clocks are not part of
/// it: what comes back from there is noticed, and is an issue (`Issue.Kind.escape`).
///
/// An actor handles one message in a turn, so that the work of actors is interleaved in every way that is possible.
/// Nothing runs unless one of the methods here makes it run. Any thread may call them, one at a time. A task of the
/// simulation may call them too, but a handler must not: that stops the program.
///
/// Sendable because one thread at a time drives the simulation, and everything else runs on that thread.
public final class Simulation: @unchecked Sendable {
  /// The settings of a simulation.
  public struct Options: Sendable {
    /// The name of the actor system.
    public var name: String
    /// Which of the candidates runs next.
    public var strategy: Strategy
    /// What is made to go wrong.
    public var faults: [Fault]
    /// What happens to actors that fail and whose own options do not say.
    public var supervision: Supervision
    /// Whether a dead letter that no `expectDeadLetter` accounts for is an issue at the end. Dead letters of the
    /// final shutdown are not issues.
    public var checksDeadLetters: Bool
    /// The kinds of issues that are accepted at the end.
    public var allowed: Set<Issue.Kind>
    /// How many steps may pass in one call that runs the simulation, at least 1. More are an issue.
    public var stepLimit: Int
    /// How much virtual time may pass while something is waited for.
    public var timeLimit: Duration
    /// How many lines of history are kept.
    public var historyLimit: Int
    /// Receives the issues that are found at the end; if it is nil, they are thrown.
    public var issueHandler: (@Sendable (SimulationFailure) -> Void)?

    /// Makes options with the default values, except for those that are given.
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

  /// The seed that every choice follows from.
  public let seed: UInt64
  /// The actor system. Its actors run only when the simulation does.
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

  /// Makes a simulation in which nothing has happened yet.
  ///
  /// Call `finish` at its end. Objects that hold the simulation from inside, such as an actor with a probe, are only
  /// released then.
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

  // Actors that have not ended would keep their memory for good. Actors that hold this simulation, for example by a
  // probe, keep it alive and so need `finish`.
  deinit {
    if isFinished { return }
    system.requestShutdown()
    var left = options.stepLimit
    while left > 0, scheduler.step(firesTimers: false) { left -= 1 }
  }

  /// What has happened so far.
  public var history: History { recorder.history }
  /// How much virtual time has passed since the start.
  public var now: Duration { recorder.time }
  /// How many things have run, each of them a turn of an actor, a part of a task, or a timer.
  public var steps: Int { scheduler.steps }
  /// The paths of the actors that have not ended, in the order in which they were spawned. Actors of the kit are left
  /// out.
  public var livingActors: [String] { recorder.living.filter { !$0.isOurs }.map(\.path) }

  /// How often something came from a thread that is not part of the simulation. If it is more than 0, the run cannot
  /// be repeated.
  public var escapeCount: Int { scheduler.allEscapes.count }

  /// Writes a line of the test's own into the history.
  public func note(_ line: String) { recorder.note(line) }

  /// The name of whoever does what no actor does.
  @TaskLocal static var taskName = "test"
}
