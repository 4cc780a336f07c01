/// Reports handlers that keep a thread of the pool for too long; `ActorSystem.Options.watchdog`.
///
/// A handler on the pool that blocks or computes for long keeps a processor's worth of actors waiting. The
/// watchdog says which one, in the system's log and to a listener: when it has run for the limit, and again
/// whenever the time has doubled. When every thread of the pool is kept so, it says that too. It looks every
/// 5 milliseconds while the pool runs, which costs handlers nothing. What runs on another dispatcher is not
/// watched.
public struct Watchdog: Sendable {
  /// How long a handler may run before it is reported; at least 20 milliseconds. A report comes some
  /// milliseconds later. It is time of the clock: on a machine with more to do than processors, a handler
  /// that waits for its own counts too.
  public var limit: Duration
  /// Hears of every report, one at a time, on a thread of its own. The system keeps it.
  public var listener: (@Sendable (Report) -> Void)?

  /// A second, and no listener, but for what is given.
  public init(limit: Duration = .seconds(1), listener: (@Sendable (Report) -> Void)? = nil) {
    self.limit = limit
    self.listener = listener
  }

  /// Who keeps the pool.
  public enum Subject: Sendable, Equatable {
    /// A handler or a hook of the actor with this path, whose messages are of this type.
    case handler(path: String, messageType: String)
    /// A task with the system's executor, or an asynchronous handler that has been suspended before.
    case task
    /// Handlers and tasks, each longer than the limit: nothing else runs in the system but on other dispatchers.
    case pool(threads: Int)
  }

  /// One that runs for too long.
  public struct Report: Sendable, CustomStringConvertible {
    /// Who it is.
    public let subject: Subject
    /// For how long by now.
    public let duration: Duration

    /// One line for a log.
    public var description: String {
      let time = "\(duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000) ms"
      return switch subject {
      case .handler(let path, let type):
        "\(path) has been handling a \(type) for \(time), and keeps a thread of the pool"
      case .task: "a task has kept a thread of the pool for \(time)"
      case .pool(let threads):
        "all \(threads) threads of the pool have been kept for \(time) or longer; other actors wait"
      }
    }
  }
}
