/// Says what happens to an actor that fails. It is a pure function from the failure, and from what went before, to a
/// decision.
///
/// ```swift
/// system.spawn("feed", options: SpawnOptions(supervision: .restart(limit: 3, within: .seconds(10)))) { Feed() }
/// ```
/// A failure is an error thrown by a handler, a hook or the factory. Each is logged and counted, whatever is decided. A
/// Swift trap (`fatalError`, an index out of bounds) is no failure in this sense: it ends the process.
public struct Supervision: Sendable {
  /// What to do about a failure.
  public enum Decision: Sendable, Equatable {
    /// Go on with the next message and the state as it is. After a failure to start there is no state, so the actor
    /// stops.
    case resume
    /// Stop the incarnation, wait, and start another one from the factory. The mailbox, the stash, the address and
    /// those who watch the actor stay. The failed message and the timers are gone, and so are the children, unless
    /// `keepsChildren` is set. An actor that was spawned by value has no factory, and stops instead.
    case restart(after: Duration)
    /// End the actor with the failure.
    case stop
    /// End the actor with the failure, and let its parent fail with it, whose own supervision then decides. At the top
    /// of the tree it is the same as `stop`.
    case escalate
  }

  /// What happened to the actor before this failure.
  public struct History: Sendable {
    /// When the actor failed before, on the scheduler's clock, the most recent last. At most 64 failures are
    /// remembered, or as many as the limit of `Supervision.restart` if that is larger.
    public var failures: [Duration] { times.all }
    let times: FailureTimes
    /// How often the actor has been restarted in its life.
    public let restarts: Int
    /// A random number from 0 up to 1, a new one for each decision, for jitter. It comes from the scheduler, so that
    /// simulated runs repeat.
    public let random: Double

    /// Makes a history, to test a policy with.
    public init(failures: [Duration] = [], restarts: Int = 0, random: Double = 0.5) {
      self.init(FailureTimes(failures), restarts: restarts, random: random)
    }

    init(_ times: FailureTimes, restarts: Int, random: Double) {
      self.times = times
      self.restarts = restarts
      self.random = random
    }
  }

  /// The function that decides. It runs on the actor's worker, and must not block.
  public let decide: @Sendable (ActorFailure, History) -> Decision

  /// Makes a policy of your own. It runs on the actor's worker, and must not block.
  public init(_ decide: @escaping @Sendable (ActorFailure, History) -> Decision) { self.init(remembering: 64, decide) }

  /// How many failures the history holds.
  let remembered: Int

  private init(remembering count: Int, _ decide: @escaping @Sendable (ActorFailure, History) -> Decision) {
    remembered = count
    self.decide = decide
  }

  /// Ends the actor at its first failure.
  public static let stop = Supervision { _, _ in .stop }
  /// Goes on with the next message.
  public static let resume = Supervision { _, _ in .resume }
  /// Passes every failure on to the parent.
  public static let escalate = Supervision { _, _ in .escalate }
  /// Restarts with the default limits; see `restart(limit:within:backoff:then:)`. An actor gets this unless told
  /// otherwise.
  public static let `default` = Supervision.restart()

  /// Restarts, a little later each time, and gives up when the actor fails too often.
  /// - Parameters:
  ///   - limit: How many failures in the window are answered by a restart; the next one is answered by `last`. Each
  ///     actor has a count of its own. A limit below 0 stops the program.
  ///   - window: How far back failures count. An actor that does well for so long is forgiven.
  ///   - backoff: How long to wait before the restart.
  ///   - last: What to do beyond the limit.
  public static func restart(
    limit: Int = 10, within window: Duration = .seconds(60), backoff: RestartBackoff = .exponential(),
    then last: Decision = .stop
  ) -> Supervision {
    guard limit >= 0 else { fatalError("Troupe: the limit of restarts must not be negative, and is \(limit)") }
    return Supervision(remembering: max(64, limit)) { failure, history in
      let recent = history.times.count(within: window, before: failure.time)
      return recent < limit ? .restart(after: backoff.delay(recent, history.random)) : last
    }
  }
}

/// How long to wait before a restart. Waiting keeps a lasting cause from using up the limit at once, and jitter keeps
/// many actors from starting at the same time.
public struct RestartBackoff: Sendable, Hashable {
  let first: Duration
  let longest: Duration
  let factor: Double
  let jitter: Double

  /// Restarts at once.
  public static let none = RestartBackoff(first: .zero, longest: .zero, factor: 1, jitter: 0)

  /// Waits for the same time before each restart. The jitter is the part by which that varies at random.
  public static func constant(_ delay: Duration, jitter: Double = 0.2) -> RestartBackoff {
    exponential(from: delay, to: delay, factor: 1, jitter: jitter)
  }

  /// Waits for `first`, and `factor` times as long with each failure in the window, up to `longest`. Each wait is
  /// lengthened or shortened at random by up to the part `jitter` of it. The program stops if a duration is negative,
  /// `longest` is less than `first`, the factor is below 1, or the jitter is not between 0 and 1.
  public static func exponential(
    from first: Duration = .milliseconds(100), to longest: Duration = .seconds(30), factor: Double = 2,
    jitter: Double = 0.2
  ) -> RestartBackoff {
    guard first >= .zero, longest >= first, factor >= 1, (0...1).contains(jitter) else {
      fatalError(
        "Troupe: a backoff must not be negative or become shorter, its factor must be at least 1, and its jitter "
          + "between 0 and 1; it goes from \(first) to \(longest), with factor \(factor) and jitter \(jitter)")
    }
    return RestartBackoff(first: first, longest: longest, factor: factor, jitter: jitter)
  }

  /// How long to wait after so many failures before this one.
  /// - Parameters:
  ///   - failures: How many failures there were before this one.
  ///   - random: A number from 0 up to 1, for the jitter; with 0.5 there is none.
  public func delay(after failures: Int, random: Double = 0.5) -> Duration { delay(failures, random) }

  func delay(_ failures: Int, _ random: Double) -> Duration {
    var delay = first
    var left = failures
    // The loop ends as soon as the longest delay is reached: there may have been a million failures.
    while left > 0 && factor > 1 && delay > .zero && delay < longest {
      // The product may be too large for a duration.
      delay = delay < longest / factor ? delay * factor : longest
      left -= 1
    }
    return delay * (1 + jitter * (2 * random - 1))
  }
}

/// Which of an actor's children are restarted when supervision restarts one of them. A child that its supervision ends
/// takes no sibling along: let it escalate for that.
public enum ChildStrategy: Sendable, Hashable {
  /// Only the child that failed is restarted. This is the default.
  case oneForOne
  /// All children are restarted; use it if they depend on one another.
  case allForOne
  /// The child that failed is restarted, and those that were spawned after it; use it if they depend on it.
  case restForOne
}
