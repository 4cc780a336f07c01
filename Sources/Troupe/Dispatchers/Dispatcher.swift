/// Where an actor's turns run; `SpawnOptions.dispatcher`.
///
/// A turn is a batch of messages. Whatever the dispatcher, an actor handles one message at a time, in the order of each
/// sender. What an actor spawns does not inherit its dispatcher.
public struct Dispatcher: Sendable {
  enum Kind: Sendable {
    case pool, blocking, pinned
    case queue(WorkerQueue)
    /// On the pool, for handlers that interleave, so many at a time.
    case lane(Int)
  }
  let kind: Kind

  /// The system's pool: as many threads as processors. A handler must not block; the fastest by far.
  public static var `default`: Dispatcher { Dispatcher(kind: .pool) }

  /// Threads on which a handler may block: ask or receive in the blocking form, sleep, read a file, wait for a lock.
  ///
  /// All such actors of a system share the threads. If all are busy another is started at once, up to
  /// `ActorSystem.Options.blockingThreads`; beyond that, actors wait for their turn. A thread that has had
  /// nothing to do for five seconds ends. To wake an actor that idles costs some microseconds, the time in
  /// which a thread wakes up.
  public static var blocking: Dispatcher { Dispatcher(kind: .blocking) }

  /// A thread for this actor alone, started when it is spawned and ended when it has ended. Its handlers may
  /// block, and all of them, the hooks and the factory run on that thread: for libraries that want to be
  /// called by one thread.
  public static var pinned: Dispatcher { Dispatcher(kind: .pinned) }
}
