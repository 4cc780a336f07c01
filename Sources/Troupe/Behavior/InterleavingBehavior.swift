/// A behavior whose handlers interleave: while one awaits, others run, up to a limit. Only one of them runs at any
/// moment.
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
/// Handlers begin in the order of the messages, and end in any order. What a handler read before an `await` may have
/// changed after it, as in Swift's own actors; with `AsyncBehavior`, which handles one message to its end before the
/// next, that cannot happen. It is a class because several handlers share the state. Each handler costs a task, about a
/// microsecond.
///
/// When the actor stops or is restarted, the waiting handlers are cancelled, and `stopping` runs when all have ended. A
/// message counts as handled when its handler has ended. See `AsyncBehavior` for the keyword `nonisolated(nonsending)`.
public protocol InterleavingBehavior: AnyObject, SendableMetatype {
  /// The type of the messages that the actor understands. It may be noncopyable, so that each message has one owner.
  associatedtype Message: ~Copyable

  /// Handles one message. If it throws, the actor fails with that error, and its supervision decides what happens; see
  /// `Supervision`.
  nonisolated(nonsending) func receive(_ message: consuming Message, in context: Context<Message>) async throws

  /// Runs alone before the first message of an incarnation. If it throws, the actor fails.
  nonisolated(nonsending) func started(in context: Context<Message>) async throws

  /// Runs after the last handler of an incarnation and all children have ended. It is not called if the factory threw.
  nonisolated(nonsending) func stopping(in context: Context<Message>) async

  /// Called with what is not a message; see `Behavior.signal`. It interleaves like a handler, and counts against the
  /// limit.
  nonisolated(nonsending) func signal(_ signal: Signal, in context: Context<Message>) async throws

  /// Whether a message need not be handled any more; see `Behavior.isStale`. Unless you implement it, the answer is
  /// false.
  static func isStale(_ message: borrowing Message) -> Bool
}

extension InterleavingBehavior {
  /// Returns false: every message is handled.
  @inlinable public static func isStale(_ message: borrowing Message) -> Bool { false }
  /// Does nothing.
  nonisolated(nonsending) public func started(in context: Context<Message>) async throws {}
  /// Does nothing.
  nonisolated(nonsending) public func stopping(in context: Context<Message>) async {}
  /// Logs the end of a watched actor, and ignores other signals.
  nonisolated(nonsending) public func signal(_ signal: Signal, in context: Context<Message>) async throws {
    context.logUnhandled(signal)
  }
}

extension Spawner {
  /// Starts an actor whose handlers interleave, and returns its address at once. See the form for `Behavior`.
  ///
  /// The actor runs on the pool, so the options must leave the dispatcher as it is. Another dispatcher, or a limit
  /// below 1, stops the program.
  /// - Parameters:
  ///   - name: The name of the actor, unique among its siblings; nil gives it a number.
  ///   - options: The options of the actor.
  ///   - limit: How many handlers may be under way at a time.
  ///   - factory: Makes the behavior, also when the actor is restarted.
  @inlinable @discardableResult
  public func spawn<B: InterleavingBehavior>(
    _ name: String? = nil, options: SpawnOptions = SpawnOptions(), limit: Int,
    _ factory: @escaping @Sendable () throws -> B
  ) -> Address<B.Message> {
    InterleavedDrain<B>.spawn(at: position(for: name).place, options.interleaved(limit), factory: factory)
  }
}

extension SpawnOptions {
  @usableFromInline func interleaved(_ limit: Int) -> SpawnOptions {
    guard limit >= 1 else {
      fatalError("Troupe: the limit of handlers that interleave must be at least 1, and is \(limit)")
    }
    guard case .pool = dispatcher.kind else {
      fatalError(
        "Troupe: an InterleavingBehavior runs on the pool and cannot have another dispatcher; leave that option out")
    }
    var options = self
    options.dispatcher = Dispatcher(kind: .lane(limit))
    return options
  }
}
