/// What happens to an actor that fails: a pure function from the failure and what went before to a decision.
///
/// ```swift
/// system.spawn("feed", options: SpawnOptions(supervision: .restart(limit: 3, within: .seconds(10)))) { Feed() }
/// ```
/// A failure is an error thrown by a handler, a hook or the factory. Every one is logged and counted, whatever is decided. A Swift
/// trap (`fatalError`, an index out of bounds) is no failure in this sense: it ends the process.
public struct Supervision: Sendable {
  /// What to do.
  public enum Decision: Sendable, Equatable {
    /// Go on with the next message and the state as it is. After a failure to start there is no state: the actor stops.
    case resume
    /// Stop the incarnation, wait, and start another one from the factory. The mailbox, the stash, the address and those who watch it
    /// stay; the failed message, timers, and unless `keepsChildren` is set the children go. An actor that was spawned by value has
    /// no factory, and stops.
    case restart(after: Duration)
    /// End with the failure.
    case stop
    /// End with the failure, and fail the parent with it, whose own supervision decides. At the top, the same as `stop`.
    case escalate
  }

  /// What went before.
  public struct History: Sendable {
    /// When the actor failed before, on the scheduler's clock, the most recent last; at most 64 of them, or as many as the limit of
    /// `Supervision.restart`.
    public var failures: [Duration] { times.all }
    let times: FailureTimes
    /// How often it has been restarted in its life.
    public let restarts: Int
    /// From 0 up to 1, a new one for each decision: for jitter. It comes from the scheduler, so that simulated runs repeat.
    public let random: Double

    /// To try a policy out.
    public init(failures: [Duration] = [], restarts: Int = 0, random: Double = 0.5) {
      self.init(FailureTimes(failures), restarts: restarts, random: random)
    }

    init(_ times: FailureTimes, restarts: Int, random: Double) {
      self.times = times
      self.restarts = restarts
      self.random = random
    }
  }

  /// The function.
  public let decide: @Sendable (ActorFailure, History) -> Decision

  /// A policy of one's own. It runs on the actor's worker, and must not block.
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
  /// What an actor gets unless told otherwise: `restart()`.
  public static let `default` = Supervision.restart()

  /// Restarts, a little later each time, and gives up when it fails too often.
  /// - Parameters:
  ///   - limit: Failures in the window that are answered by a restart; the next one is answered by `then`. Counted for each actor.
  ///     Below 0 stops the program.
  ///   - window: What counts as often, and how long an actor has to do well to be forgiven.
  ///   - backoff: How long to wait.
  ///   - then: What to do beyond the limit.
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

/// How long to wait before a restart, so that a cause that lasts does not use up the limit at once, nor do many start at a time.
public struct RestartBackoff: Sendable, Hashable {
  let first: Duration
  let longest: Duration
  let factor: Double
  let jitter: Double

  /// No wait.
  public static let none = RestartBackoff(first: .zero, longest: .zero, factor: 1, jitter: 0)

  /// The same wait each time.
  public static func constant(_ delay: Duration, jitter: Double = 0.2) -> RestartBackoff {
    exponential(from: delay, to: delay, factor: 1, jitter: jitter)
  }

  /// `first`, then `factor` times as long with each failure in the window, up to `longest`; each lengthened or shortened at random by up to
  /// the part `jitter` of it. A negative duration, a factor below 1, or a jitter outside of 0 to 1 stops the program.
  public static func exponential(
    from first: Duration = .milliseconds(100), to longest: Duration = .seconds(30), factor: Double = 2,
    jitter: Double = 0.2
  ) -> RestartBackoff {
    guard first >= .zero, longest >= first, factor >= 1, (0...1).contains(jitter) else {
      fatalError("Troupe: not a backoff: from \(first) to \(longest), factor \(factor), jitter \(jitter)")
    }
    return RestartBackoff(first: first, longest: longest, factor: factor, jitter: jitter)
  }

  /// How long to wait after so many failures before this one.
  /// - Parameter random: From 0 up to 1, for the jitter; 0.5 is none.
  public func delay(after failures: Int, random: Double = 0.5) -> Duration { delay(failures, random) }

  func delay(_ failures: Int, _ random: Double) -> Duration {
    var delay = first
    var left = failures
    // Not a step more than it takes: there may have been a million failures.
    while left > 0 && factor > 1 && delay > .zero && delay < longest {
      // The product may be too large for a duration.
      delay = delay < longest / factor ? delay * factor : longest
      left -= 1
    }
    return delay * (1 + jitter * (2 * random - 1))
  }
}

/// Which of an actor's children are restarted when one of them is, by its supervision. One that its supervision ends takes nobody
/// along: for that let it escalate.
public enum ChildStrategy: Sendable, Hashable {
  /// That one alone; the default.
  case oneForOne
  /// All of them: they depend on one another.
  case allForOne
  /// That one, and those that were spawned after it: they depend on it.
  case restForOne
}
