/// Lets the test kit observe and change what happens in a simulated system. Other systems have no interceptor, and only
/// check that there is none.
///
/// Its functions are called without any lock of the runtime held.
@usableFromInline package protocol Interceptor: AnyObject, Sendable {
  // MARK: Messages

  /// Called when a message is about to be sent to a cell.
  func sends<Message: ~Copyable>(_ message: borrowing Message, to cell: Cell) -> SendNote
  /// Called when that message is in the queue.
  func queues(_ note: SendNote, in cell: Cell)
  /// Called when something is posted to a cell beside its queue: a timer's message, a notice, a result.
  func posts(_ envelope: Envelope, to cell: Cell)
  /// Called when that is about to be opened, since its turn has come.
  func opens(_ envelope: Envelope, in cell: Cell)
  /// Called when the handler is about to be called. If this throws, the error counts as thrown by the handler, which is
  /// not called.
  func handles<Message: ~Copyable>(_ message: borrowing Message, by cell: Cell) throws
  /// Called when the message in hand goes to the stash.
  func stashes(_ envelope: Envelope, in cell: Cell)
  /// Called when a message becomes a dead letter of a cell.
  func makesDeadLetter(_ letter: DeadLetter, of cell: Cell)

  // MARK: Life

  /// Called when an actor has been made, and before it is known whether it is refused.
  func spawns<Message: ~Copyable>(_ address: Address<Message>)
  /// Called when the hook `started` is about to be called.
  func starts(_ cell: Cell)
  /// Called when the hook `stopping` is about to be called.
  func stops(_ cell: Cell)
  /// Called when the hook `signal` is about to be called.
  func signals(_ signal: Signal, to cell: Cell)
  func fails(_ cell: Cell, with failure: ActorFailure)
  func restarts(_ cell: Cell)
  func ends(_ cell: Cell, _ termination: Termination)

  // MARK: What an actor does

  func watches(_ watched: Cell, by cell: Cell)
  func setsTimer(_ key: Any, after delay: Duration, by cell: Cell)
  /// Called when an ask begins to wait for its reply.
  func waits(for site: AskNote)
  /// Called when that ask has ended.
  func waitsNoMore(for site: AskNote)
  func failsAsk(_ error: AskError)
}

/// What the interceptor decides about a message that is being sent.
@usableFromInline package struct SendNote {
  /// The number of the message, from 1.
  package let number: Int32
  /// Whether the message is refused, as if a bounded mailbox had no room for it.
  package let isRefused: Bool

  package init(number: Int32, isRefused: Bool) {
    self.number = number
    self.isRefused = isRefused
  }
}

/// An ask that waits for its answer, as the test kit sees it.
@usableFromInline package final class AskNote: Sendable {
  package let target: String
  package let messageType: String
  package let fileID: StaticString
  package let line: UInt

  init(target: String, messageType: String, fileID: StaticString, line: UInt) {
    self.target = target
    self.messageType = messageType
    self.fileID = fileID
    self.line = line
  }
}

/// A behavior that tells the interceptor of each call.
struct Intercepted<B: Behavior & ~Copyable>: Behavior, ~Copyable {
  typealias Message = B.Message
  private var behavior: B

  init(_ behavior: consuming B) { self.behavior = behavior }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    try context.cell.system.interceptor?.handles(message, by: context.cell)
    try behavior.receive(message, in: context)
  }
  mutating func started(in context: Context<Message>) throws {
    context.cell.system.interceptor?.starts(context.cell)
    try behavior.started(in: context)
  }
  mutating func stopping(in context: Context<Message>) {
    context.cell.system.interceptor?.stops(context.cell)
    behavior.stopping(in: context)
  }
  mutating func signal(_ signal: Signal, in context: Context<Message>) throws {
    context.cell.system.interceptor?.signals(signal, to: context.cell)
    try behavior.signal(signal, in: context)
  }
  static func isStale(_ message: borrowing Message) -> Bool { B.isStale(message) }
}

/// An asynchronous behavior that tells the interceptor of each call.
struct InterceptedAsync<B: AsyncBehavior & ~Copyable>: AsyncBehavior, ~Copyable {
  typealias Message = B.Message
  private var behavior: B

  init(_ behavior: consuming B) { self.behavior = behavior }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) async throws {
    try context.cell.system.interceptor?.handles(message, by: context.cell)
    try await behavior.receive(message, in: context)
  }
  mutating func started(in context: Context<Message>) async throws {
    context.cell.system.interceptor?.starts(context.cell)
    try await behavior.started(in: context)
  }
  mutating func stopping(in context: Context<Message>) async {
    context.cell.system.interceptor?.stops(context.cell)
    await behavior.stopping(in: context)
  }
  mutating func signal(_ signal: Signal, in context: Context<Message>) async throws {
    context.cell.system.interceptor?.signals(signal, to: context.cell)
    try await behavior.signal(signal, in: context)
  }
  static func isStale(_ message: borrowing Message) -> Bool { B.isStale(message) }
}

/// An interleaving behavior that tells the interceptor of each call.
final class InterceptedInterleaving<B: InterleavingBehavior>: InterleavingBehavior {
  typealias Message = B.Message
  private let behavior: B

  init(_ behavior: B) { self.behavior = behavior }

  func receive(_ message: consuming Message, in context: Context<Message>) async throws {
    try context.cell.system.interceptor?.handles(message, by: context.cell)
    try await behavior.receive(message, in: context)
  }
  func started(in context: Context<Message>) async throws {
    context.cell.system.interceptor?.starts(context.cell)
    try await behavior.started(in: context)
  }
  func stopping(in context: Context<Message>) async {
    context.cell.system.interceptor?.stops(context.cell)
    await behavior.stopping(in: context)
  }
  func signal(_ signal: Signal, in context: Context<Message>) async throws {
    context.cell.system.interceptor?.signals(signal, to: context.cell)
    try await behavior.signal(signal, in: context)
  }
  static func isStale(_ message: borrowing Message) -> Bool { B.isStale(message) }
}

extension Drain where B: ~Copyable {
  /// Spawns an actor in a simulated system. It is not inlined where an actor is spawned, since the code for a
  /// simulation would only be in the way there.
  @usableFromInline @inline(never) static func spawnIntercepted(
    at place: TreePosition, _ options: SpawnOptions, factory: Storage.Factory?, behavior: consuming B?
  ) -> Address<B.Message> {
    let behavior: Intercepted<B>? = if let behavior { Intercepted(behavior) } else { nil }
    var make: (@Sendable () throws -> Intercepted<B>)?
    if let factory { make = { Intercepted(try factory()) } }
    return Drain<Intercepted<B>>.spawnPlain(at: place, options, factory: make, behavior: behavior)
  }
}

extension AsyncDrain where B: ~Copyable {
  /// Spawns an actor in a simulated system; see `Drain.spawnIntercepted`.
  @usableFromInline @inline(never) static func spawnIntercepted(
    at place: TreePosition, _ options: SpawnOptions, factory: Storage.Factory?, behavior: consuming B?
  ) -> Address<B.Message> {
    let behavior: InterceptedAsync<B>? = if let behavior { InterceptedAsync(behavior) } else { nil }
    var make: (@Sendable () throws -> InterceptedAsync<B>)?
    if let factory { make = { InterceptedAsync(try factory()) } }
    return AsyncDrain<InterceptedAsync<B>>.spawnPlain(at: place, options, factory: make, behavior: behavior)
  }
}

extension InterleavedDrain {
  /// Spawns an actor in a simulated system; see `Drain.spawnIntercepted`.
  @usableFromInline @inline(never) static func spawnIntercepted(
    at place: TreePosition, _ options: SpawnOptions, factory: @escaping Storage.Factory
  ) -> Address<B.Message> {
    InterleavedDrain<InterceptedInterleaving<B>>.spawnPlain(at: place, options) {
      InterceptedInterleaving(try factory())
    }
  }
}
extension Address where Message: ~Copyable {
  /// The identity of the cell behind any handle and adapters. It is valid while somebody keeps the cell.
  package var cellID: ObjectIdentifier { ObjectIdentifier(target.cell) }
}

extension Address where Message: ~Copyable {
  /// Makes the actor watch another one. This is for actors of the test kit, and only while they do not run.
  package func startWatching<Other: ~Copyable>(_ other: Address<Other>) {
    target.cell.watch(Watch(target.cell, other.target.cell))
  }
}
