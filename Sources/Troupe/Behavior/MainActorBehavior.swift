/// Says what an actor does with its messages on the main actor: use it for a window's model, or anything else that must
/// live there.
///
/// ```swift
/// struct Title: MainActorBehavior {
///   let window: Window  // of the main actor
///   mutating func receive(_ message: consuming String, in context: Context<String>) { window.title = message }
/// }
/// let title = system.spawn("title") { Title(window: .main) }
/// ```
/// The factory, every handler and hook, and the destruction of the behavior run on the main actor; a batch of messages
/// is handled as one block of the main queue. Otherwise the rules of `Behavior` hold: one message at a time, in the
/// order of each sender. A handler must not block.
///
/// It needs a program whose main thread runs the main queue: one with an asynchronous `main`, one that called
/// `dispatchMain()`, or one with an event loop that serves the main queue. Elsewhere its messages stay queued, and a
/// shutdown reports the actor as stuck.
@MainActor
public protocol MainActorBehavior: SendableMetatype, ~Copyable {
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

  /// Called with what is not a message; see `Behavior.signal`. If it throws, the actor fails.
  mutating func signal(_ signal: Signal, in context: Context<Message>) throws
}

extension MainActorBehavior where Self: ~Copyable {
  /// Does nothing.
  public mutating func started(in context: Context<Message>) throws {}
  /// Does nothing.
  public mutating func stopping(in context: Context<Message>) {}
  /// Logs the end of a watched actor, and ignores other signals.
  public mutating func signal(_ signal: Signal, in context: Context<Message>) throws { context.logUnhandled(signal) }
}

/// Makes a `MainActorBehavior` into a `Behavior`, which the runtime can run. Each call relies on the cell running on
/// the main queue. `MainActor.assumeIsolated` would check that again for each message, and cannot pass a noncopyable
/// message on.
@usableFromInline struct OnMainActor<B: MainActorBehavior & ~Copyable>: Behavior, ~Copyable {
  @usableFromInline typealias Message = B.Message
  @usableFromInline var behavior: B

  @usableFromInline typealias Handler = (inout B, consuming Message, Context<Message>) throws -> Void
  @usableFromInline typealias Start = (inout B, Context<Message>) throws -> Void
  @usableFromInline typealias Hear = (inout B, Signal, Context<Message>) throws -> Void
  @usableFromInline typealias End = (inout B, Context<Message>) -> Void

  @inlinable init(_ factory: @escaping @MainActor @Sendable () throws -> B) throws {
    // It is checked once for each incarnation, since a simulated scheduler runs its cells wherever the test runs.
    MainActor.preconditionIsolated("a MainActorBehavior runs on the main actor alone")
    behavior = try unsafeBitCast(factory, to: (() throws -> B).self)()
  }

  @inlinable mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    let call: @MainActor (inout B, consuming Message, Context<Message>) throws -> Void = { try $0.receive($1, in: $2) }
    try unsafeBitCast(call, to: Handler.self)(&behavior, message, context)
  }

  @inlinable mutating func started(in context: Context<Message>) throws {
    let call: @MainActor (inout B, Context<Message>) throws -> Void = { try $0.started(in: $1) }
    try unsafeBitCast(call, to: Start.self)(&behavior, context)
  }

  @inlinable mutating func stopping(in context: Context<Message>) {
    let call: @MainActor (inout B, Context<Message>) -> Void = { $0.stopping(in: $1) }
    unsafeBitCast(call, to: End.self)(&behavior, context)
  }

  @inlinable mutating func signal(_ signal: Signal, in context: Context<Message>) throws {
    let call: @MainActor (inout B, Signal, Context<Message>) throws -> Void = { try $0.signal($1, in: $2) }
    try unsafeBitCast(call, to: Hear.self)(&behavior, signal, context)
  }
}
