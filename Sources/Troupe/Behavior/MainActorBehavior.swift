/// What an actor does with its messages on the main actor: a window's model, or anything else that has to live there.
///
/// ```swift
/// struct Title: MainActorBehavior {
///   let window: Window  // of the main actor
///   mutating func receive(_ message: consuming String, in context: Context<String>) { window.title = message }
/// }
/// let title = system.spawn("title") { Title(window: .main) }
/// ```
/// The factory, every handler and hook, and the behavior's end run on the main actor, a batch of messages as one block of the main
/// queue. For the rest it is as for `Behavior`: one message at a time, in the order of each sender. A handler must not block.
///
/// It runs in a program whose main thread runs the main queue: one with an asynchronous `main`, one that called `dispatchMain()`,
/// or one with an event loop that serves the main queue. Elsewhere its messages stay queued, and a shutdown reports it as stuck.
@MainActor
public protocol MainActorBehavior: SendableMetatype, ~Copyable {
  /// What the actor understands; may be noncopyable.
  associatedtype Message: ~Copyable

  /// Handles one message. If it throws, the actor fails with that error, and its supervision decides: see `Supervision`.
  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws

  /// Runs before the first message of an incarnation. If it throws, the actor fails.
  mutating func started(in context: Context<Message>) throws

  /// Runs after the last message of an incarnation, when the children have ended. Not called if the factory threw.
  mutating func stopping(in context: Context<Message>)

  /// Hears what is no message; see `Behavior.signal`. If it throws, the actor fails.
  mutating func signal(_ signal: Signal, in context: Context<Message>) throws
}

extension MainActorBehavior where Self: ~Copyable {
  /// Does nothing.
  public mutating func started(in context: Context<Message>) throws {}
  /// Does nothing.
  public mutating func stopping(in context: Context<Message>) {}
  /// Logs the end of a watched actor, and nothing else.
  public mutating func signal(_ signal: Signal, in context: Context<Message>) throws { context.logUnhandled(signal) }
}

/// Makes such a behavior one that the runtime can run. Its cell is on the main queue, which is what each of these calls takes for granted;
/// `MainActor.assumeIsolated` would ask again for each message, and cannot pass a noncopyable one on.
@usableFromInline struct OnMainActor<B: MainActorBehavior & ~Copyable>: Behavior, ~Copyable {
  @usableFromInline typealias Message = B.Message
  @usableFromInline var behavior: B

  @usableFromInline typealias Handler = (inout B, consuming Message, Context<Message>) throws -> Void
  @usableFromInline typealias Start = (inout B, Context<Message>) throws -> Void
  @usableFromInline typealias Hear = (inout B, Signal, Context<Message>) throws -> Void
  @usableFromInline typealias End = (inout B, Context<Message>) -> Void

  @inlinable init(_ factory: @escaping @MainActor @Sendable () throws -> B) throws {
    // Once an actor, since a simulated scheduler runs its cells wherever the test does.
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
