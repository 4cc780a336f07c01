/// A behavior whose handlers interleave: while one awaits, others run, up to a limit. One of them runs at a time.
///
/// ```swift
/// final class Session: InterleavingBehavior {
///   enum Message: ~Copyable { case load(String, Reply<Page>) }
///   var pages: [String: Page] = [:]
///   func receive(_ message: consuming Message, in context: Context<Message>) async throws {
///     switch consume message {
///     case .load(let name, let reply):
///       let page = try await fetch(name)  // other messages are handled meanwhile
///       pages[name] = page
///       reply.send(page)
///     }
///   }
/// }
/// system.spawn("session", limit: 8) { Session() }
/// ```
/// Handlers begin in the order of the messages, and end in any. What one read before an `await` may have changed after it, as in Swift's own
/// actors: `AsyncBehavior`, which handles one message to its end before the next, has no such trap. That several handlers share the state is why
/// it is a class. A handler costs a task, about a microsecond.
///
/// When the actor stops or is restarted, the handlers that wait are cancelled, and `stopping` runs when all have ended. A message counts as
/// handled when its handler has ended. See `AsyncBehavior` for the keyword `nonisolated(nonsending)`.
public protocol InterleavingBehavior: AnyObject, SendableMetatype {
  /// What the actor understands; may be noncopyable.
  associatedtype Message: ~Copyable

  /// Handles one message. If it throws, the actor fails with that error, and its supervision decides: see `Supervision`.
  nonisolated(nonsending) func receive(_ message: consuming Message, in context: Context<Message>) async throws

  /// Runs before the first message of an incarnation, alone. If it throws, the actor fails.
  nonisolated(nonsending) func started(in context: Context<Message>) async throws

  /// Runs after the last handler of an incarnation has ended, when the children have. Not called if the factory threw.
  nonisolated(nonsending) func stopping(in context: Context<Message>) async

  /// Hears what is no message; see `Behavior.signal`. It interleaves like a handler, and counts against the limit.
  nonisolated(nonsending) func signal(_ signal: Signal, in context: Context<Message>) async throws

  /// See `Behavior.isStale`. False unless implemented.
  static func isStale(_ message: borrowing Message) -> Bool
}

extension InterleavingBehavior {
  /// False.
  @inlinable public static func isStale(_ message: borrowing Message) -> Bool { false }
  /// Does nothing.
  nonisolated(nonsending) public func started(in context: Context<Message>) async throws {}
  /// Does nothing.
  nonisolated(nonsending) public func stopping(in context: Context<Message>) async {}
  /// Logs the end of a watched actor, and nothing else.
  nonisolated(nonsending) public func signal(_ signal: Signal, in context: Context<Message>) async throws {
    context.logUnhandled(signal)
  }
}

extension Spawner {
  /// Starts an actor whose handlers interleave, and returns its address at once. See the form for `Behavior`.
  ///
  /// The options must leave the dispatcher as it is: it runs on the pool. Another one, or a limit below 1, stops the program.
  /// - Parameter limit: how many handlers may be under way at a time.
  @inlinable @discardableResult
  public func spawn<B: InterleavingBehavior>(
    _ name: String? = nil, options: SpawnOptions = SpawnOptions(), limit: Int,
    _ factory: @escaping @Sendable () throws -> B
  ) -> Address<B.Message> {
    InterleavedDrain<B>.spawn(at: place(for: name).place, options.interleaved(limit), factory: factory)
  }
}

extension SpawnOptions {
  @usableFromInline func interleaved(_ limit: Int) -> SpawnOptions {
    guard limit >= 1 else {
      fatalError("Troupe: the limit of handlers that interleave must be at least 1, and is \(limit)")
    }
    guard case .pool = dispatcher.kind else {
      fatalError("Troupe: an InterleavingBehavior runs on the pool, and cannot have another dispatcher")
    }
    var options = self
    options.dispatcher = Dispatcher(kind: .lane(limit))
    return options
  }
}
