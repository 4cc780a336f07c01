/// What the test kit sees and changes of a simulated system. Every other system has none, and never asks more than whether there is one.
///
/// Called without any lock of the runtime.
@usableFromInline package protocol Interceptor: AnyObject, Sendable {
  // MARK: Messages

  /// A message is about to be sent to a cell.
  func sends<Message: ~Copyable>(_ message: borrowing Message, to cell: Cell) -> SendNote
  /// It is in the queue.
  func queues(_ note: SendNote, in cell: Cell)
  /// Something goes to a cell beside its queue: a timer's message, a notice, a result.
  func posts(_ parcel: Parcel, to cell: Cell)
  /// It is about to be opened.
  func opens(_ parcel: Parcel, in cell: Cell)
  /// The handler is about to be called. What this throws, it throws in its place.
  func handles<Message: ~Copyable>(_ message: borrowing Message, by cell: Cell) throws
  /// The message in hand goes to the stash.
  func stashes(_ parcel: Parcel, in cell: Cell)
  func makesDeadLetter(_ letter: DeadLetter, of cell: Cell)

  // MARK: Life

  func spawns<Message: ~Copyable>(_ address: Address<Message>)
  func starts(_ cell: Cell)
  func stops(_ cell: Cell)
  func signals(_ signal: Signal, to cell: Cell)
  func fails(_ cell: Cell, with failure: ActorFailure)
  func restarts(_ cell: Cell)
  func ends(_ cell: Cell, _ termination: Termination)

  // MARK: What an actor does

  func watches(_ watched: Cell, by cell: Cell)
  func setsTimer(_ key: Any, after delay: Duration, by cell: Cell)
  func waits(for site: AskNote)
  func waitsNoMore(for site: AskNote)
  func failsAsk(_ error: AskError)
}

/// What the interceptor says of a message that is sent.
@usableFromInline package struct SendNote {
  /// From 1.
  package let number: Int32
  /// A bounded mailbox has no room for it.
  package let isRefused: Bool

  package init(number: Int32, isRefused: Bool) {
    self.number = number
    self.isRefused = isRefused
  }
}

/// An ask that waits for its answer.
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

/// A behavior under the eyes of the interceptor.
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

/// The same for one whose handlers may await.
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

/// The same for one whose handlers interleave.
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
  /// Not inlined where an actor is spawned: there the code for a simulation would only be in the way.
  @usableFromInline @inline(never) static func spawnIntercepted(
    at place: Place, _ options: SpawnOptions, factory: Storage.Factory?, behavior: consuming B?
  ) -> Address<B.Message> {
    let behavior: Intercepted<B>? = if let behavior { Intercepted(behavior) } else { nil }
    var make: (@Sendable () throws -> Intercepted<B>)?
    if let factory { make = { Intercepted(try factory()) } }
    return Drain<Intercepted<B>>.spawnPlain(at: place, options, factory: make, behavior: behavior)
  }
}

extension AsyncDrain where B: ~Copyable {
  /// See `Drain.spawnIntercepted`.
  @usableFromInline @inline(never) static func spawnIntercepted(
    at place: Place, _ options: SpawnOptions, factory: Storage.Factory?, behavior: consuming B?
  ) -> Address<B.Message> {
    let behavior: InterceptedAsync<B>? = if let behavior { InterceptedAsync(behavior) } else { nil }
    var make: (@Sendable () throws -> InterceptedAsync<B>)?
    if let factory { make = { InterceptedAsync(try factory()) } }
    return AsyncDrain<InterceptedAsync<B>>.spawnPlain(at: place, options, factory: make, behavior: behavior)
  }
}

extension InterleavedDrain {
  /// See `Drain.spawnIntercepted`.
  @usableFromInline @inline(never) static func spawnIntercepted(
    at place: Place, _ options: SpawnOptions, factory: @escaping Storage.Factory
  ) -> Address<B.Message> {
    InterleavedDrain<InterceptedInterleaving<B>>.spawnPlain(at: place, options) {
      InterceptedInterleaving(try factory())
    }
  }
}
extension Address where Message: ~Copyable {
  /// Of the cell behind any adapters, while somebody keeps that.
  package var cellID: ObjectIdentifier { ObjectIdentifier(target.cell) }
}

extension Address where Message: ~Copyable {
  /// Makes the actor watch another. For actors of the test kit, while they do not run.
  package func startWatching<Other: ~Copyable>(_ other: Address<Other>) {
    target.cell.watch(Watch(target.cell, other.target.cell))
  }
}
