// This folder holds the dispatchers, by which an actor runs elsewhere than on the pool, and the schedulers behind them.

/// Says where an actor runs. Set it in `SpawnOptions.dispatcher`.
///
/// An actor runs in turns, each of which handles a batch of messages. On every dispatcher it handles one message at a
/// time, and those of one sender in their order. The actors that an actor spawns do not inherit its dispatcher.
public struct Dispatcher: Sendable {
  enum Kind: Sendable {
    case pool, blocking, pinned
    case queue(WorkerQueue)
    /// The pool, for an interleaving actor that has this many handlers under way at the most.
    case lane(Int)
  }
  let kind: Kind

  /// The system's pool, which is by far the fastest dispatcher. Unless `ActorSystem.Options.workers` says otherwise it
  /// has as many threads as the machine has processors, 64 at most. Handlers must not block there: a blocking call of
  /// this library stops the program.
  public static var `default`: Dispatcher { Dispatcher(kind: .pool) }

  /// Threads on which handlers may block: they may ask or receive in the blocking form, sleep, read a file, or wait for
  /// a lock.
  ///
  /// All actors of a system that ask for this dispatcher share the threads. If all threads are busy another one is
  /// started at once, up to `ActorSystem.Options.blockingThreads`; beyond that, actors wait until a thread is free. A
  /// thread that has had nothing to do for five seconds ends. To wake an idle actor costs some microseconds, because a
  /// thread has to wake up.
  public static var blocking: Dispatcher { Dispatcher(kind: .blocking) }

  /// A thread for this actor alone, which starts when the actor is spawned and ends when the actor has ended.
  ///
  /// The factory, all handlers and all hooks run on that thread, and they may block. Use it for libraries that must
  /// always be called on the same thread.
  public static var pinned: Dispatcher { Dispatcher(kind: .pinned) }
}
