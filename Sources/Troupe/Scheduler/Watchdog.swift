/// Reports handlers that keep a thread of the pool for too long. A system has one by default, and
/// `ActorSystem.Options.watchdog` sets another one or none.
///
/// A handler on the pool that blocks or computes for long keeps a thread on which other actors could run. The watchdog
/// names that handler in the system's log and to a listener: first when the handler has run for the limit, and again
/// whenever that time has doubled. It also reports when every thread of the pool is kept in this way. It looks every 5
/// milliseconds while the pool has something to run, which costs handlers nothing. Actors on other dispatchers are not
/// watched.
///
/// ```swift
/// var options = ActorSystem.Options()
/// options.watchdog = Watchdog(limit: .milliseconds(100)) { report in print(report) }
/// let system = ActorSystem("bank", options: options)
/// ```
public struct Watchdog: Sendable {
  /// How long a handler may run before it is reported. It must be at least 20 milliseconds, otherwise the program stops
  /// when the system is made. A report comes up to some milliseconds late. The time is that of the clock, so it also
  /// counts while the handler's thread has to wait for a processor.
  public var limit: Duration
  /// Called with every report, on a thread that runs no actor of the pool, one report at a time. The system keeps it.
  public var listener: (@Sendable (Report) -> Void)?

  /// Makes a watchdog that reports after a second and has no listener, unless something else is given.
  public init(limit: Duration = .seconds(1), listener: (@Sendable (Report) -> Void)? = nil) {
    self.limit = limit
    self.listener = listener
  }

  /// What keeps a thread of the pool.
  public enum Subject: Sendable, Equatable {
    /// A handler or a hook of the actor with this path. The actor's messages are of this type.
    case handler(path: String, messageType: String)
    /// A task with the system's executor, or an asynchronous handler that has been suspended before.
    case task
    /// A job of a native actor on the `TroupeExecutor` with this name.
    case executor(name: String)
    /// All threads of the pool are kept by handlers and tasks, each for longer than the limit. Nothing else runs in the
    /// system meanwhile, except on other dispatchers.
    case pool(threads: Int)
  }

  /// A report about something that runs for too long.
  public struct Report: Sendable, CustomStringConvertible {
    /// What runs for too long.
    public let subject: Subject
    /// For how long it has run by now.
    public let duration: Duration

    /// The report as one line for a log.
    public var description: String {
      let time = "\(duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000) ms"
      return switch subject {
      case .handler(let path, let type):
        "\(path) has been handling a \(type) for \(time), and keeps a thread of the pool that other actors need"
      case .task: "a task has kept a thread of the pool for \(time)"
      case .executor(let name): "a job of the executor \(name) has kept a thread of the pool for \(time)"
      case .pool(let threads):
        "all \(threads) threads of the pool have been kept for \(time) or longer, so the pool runs no other actors"
      }
    }
  }
}
