/// Says what an actor does with its messages. It handles one message at a time, each to its end.
///
/// ```swift
/// struct Counter: Behavior {
///   enum Message { case add(Int), total(Reply<Int>) }
///   var count = 0
///   mutating func receive(_ message: consuming Message, in context: Context<Message>) { … }
/// }
/// ```
/// The state is touched by one thread at a time, though not always by the same one. The protocol refines
/// `SendableMetatype` so that an implementation cannot be isolated to the main actor, on which it would not run.
public protocol Behavior: SendableMetatype, ~Copyable {
  /// The type of the messages that the actor understands. It may be noncopyable, so that each message has one owner.
  associatedtype Message: ~Copyable

  /// Handles one message. If it throws, the actor fails with that error, and its supervision decides what happens; see
  /// `Supervision`.
  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws

  /// Runs before the first message of an incarnation. If it throws, the actor fails.
  mutating func started(in context: Context<Message>) throws

  /// Runs after the last message of an incarnation, once its children have ended. It is not called if the factory
  /// threw.
  mutating func stopping(in context: Context<Message>)

  /// Called with what is not a message: the end of an actor that this one watches, a child's failure, a receive
  /// timeout. If it throws, the actor fails.
  mutating func signal(_ signal: Signal, in context: Context<Message>) throws

  /// Whether a message need not be handled any more, above all because its asker has given up: `reply.isAbandoned`.
  /// Such a message is not handled, and becomes a dead letter with the reason `abandoned`. Unless you implement it, the
  /// answer is false.
  ///
  /// It is called for each message before it is handled, so it must be cheap. The compilers up to 6.3 cannot look into
  /// a borrowed enum case that has another payload beside its reply: use one `ServiceRequest` as the payload instead.
  static func isStale(_ message: borrowing Message) -> Bool
}

extension Behavior where Self: ~Copyable {
  /// Returns false: every message is handled.
  @inlinable public static func isStale(_ message: borrowing Message) -> Bool { false }
  /// Does nothing.
  public mutating func started(in context: Context<Message>) throws {}
  /// Does nothing.
  public mutating func stopping(in context: Context<Message>) {}
  /// Logs the end of a watched actor, and ignores other signals.
  public mutating func signal(_ signal: Signal, in context: Context<Message>) throws { context.logUnhandled(signal) }
}

/// A behavior whose handler may await. It still handles one message at a time: while a handler awaits, the next message
/// waits.
///
/// It runs on the same workers as other actors. In an implementation, write `async throws`, and either write the
/// keyword `nonisolated(nonsending)` or enable the upcoming feature NonisolatedNonsendingByDefault. Without that, every
/// call of a nonisolated async function leaves the worker for the global pool.
public protocol AsyncBehavior: SendableMetatype, ~Copyable {
  /// The type of the messages that the actor understands. It may be noncopyable, so that each message has one owner.
  associatedtype Message: ~Copyable

  /// Handles one message. If it throws, the actor fails with that error, and its supervision decides what happens; see
  /// `Supervision`.
  nonisolated(nonsending) mutating func receive(_ message: consuming Message, in context: Context<Message>) async throws

  /// Runs before the first message of an incarnation. If it throws, the actor fails.
  nonisolated(nonsending) mutating func started(in context: Context<Message>) async throws

  /// Runs after the last message of an incarnation, once its children have ended. It is not called if the factory
  /// threw.
  nonisolated(nonsending) mutating func stopping(in context: Context<Message>) async

  /// Called with what is not a message; see `Behavior.signal`. If it throws, the actor fails.
  nonisolated(nonsending) mutating func signal(_ signal: Signal, in context: Context<Message>) async throws

  /// Whether a message need not be handled any more; see `Behavior.isStale`. Unless you implement it, the answer is
  /// false.
  static func isStale(_ message: borrowing Message) -> Bool
}

extension AsyncBehavior where Self: ~Copyable {
  /// Returns false: every message is handled.
  @inlinable public static func isStale(_ message: borrowing Message) -> Bool { false }
  /// Does nothing.
  nonisolated(nonsending) public mutating func started(in context: Context<Message>) async throws {}
  /// Does nothing.
  nonisolated(nonsending) public mutating func stopping(in context: Context<Message>) async {}
  /// Logs the end of a watched actor, and ignores other signals.
  nonisolated(nonsending) public mutating func signal(_ signal: Signal, in context: Context<Message>) async throws {
    context.logUnhandled(signal)
  }
}

/// The behavior that a closure makes; see `Spawner.spawn(_:options:state:_:)`.
public struct ClosureBehavior<State, Message: ~Copyable>: Behavior {
  @usableFromInline var state: State
  @usableFromInline let handler: (inout State, consuming Message, Context<Message>) throws -> Void

  @inlinable init(state: State, handler: @escaping (inout State, consuming Message, Context<Message>) throws -> Void) {
    self.state = state
    self.handler = handler
  }

  /// Calls the closure.
  @inlinable public mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    try handler(&state, message, context)
  }
}
