/// What a handler can do beyond changing its own state. A context belongs to the actor: it is not Sendable, and must
/// not be used once the handler or hook that it was given to has returned, except by later ones of the same actor.
public struct Context<Message: ~Copyable> {
  @usableFromInline let cell: Cell

  @inlinable init(_ cell: Cell) { self.cell = cell }

  /// The address of this actor.
  @inlinable public var address: Address<Message> { Address(of: cell) }

  /// The path of this actor, `system/parent/child`.
  public var path: String { cell.path }

  /// The system that this actor lives in.
  public var system: ActorSystem { ActorSystem(core: cell.system) }

  /// The time on the clock of the system's scheduler. It counts from an arbitrary moment, so only differences mean
  /// something. It is up to some milliseconds old, which makes it cheap to read, and is virtual in a simulation.
  public var now: Duration { .nanoseconds(cell.system.scheduler.coarseNow) }

  /// How often this actor has been started, this time included: 1 until the first restart.
  public var incarnation: Int { Int(cell.life.incarnation) }

  /// Ends this actor after the message in hand. The mode decides whether queued messages become dead letters or are
  /// handled first.
  public func stop(_ mode: StopMode = .now) { cell.mailbox.control.post(mode.bit) }

  /// Ends a child of this actor after the message that the child has in hand. It does nothing for any other actor.
  public func stop<Other: ~Copyable>(_ child: Address<Other>, _ mode: StopMode = .now) {
    let target = child.target.cell
    if target.siblings.owner === cell { target.post(mode.bit) }
  }

  /// Writes a line to the system's log, with the path of this actor.
  public func log(_ line: String) { cell.system.options.log("\(cell.path): \(line)") }

  /// Turns a message into a dead letter, because this actor was to pass it on and cannot. It is destroyed, counted, and
  /// reported as `undeliverable`.
  public func deadLetter<Other: ~Copyable>(_ message: consuming Other) {
    _ = consume message
    cell.deadLetter(.undeliverable, Other.self)
  }

  func logUnhandled(_ signal: Signal) {
    if case .terminated(let termination) = signal { log("\(termination), and its watcher has no `signal` hook") }
  }

  /// Begins to shut the system down, and returns at once. A handler cannot await `shutdown`, since it would wait for
  /// itself.
  public func requestShutdown(_ mode: StopMode = .now) { cell.system.beginShutdown(mode) }

  /// A task executor that runs tasks on the workers of this actor's system.
  public var executor: WorkerExecutor { cell.system.scheduler.executor }
}

@available(*, unavailable) extension Context: Sendable {}

extension Context: Spawner where Message: ~Copyable {
  /// Part of the runtime: chooses where a new child of this actor goes.
  @inlinable public func position(for name: String?) -> SpawnPosition { SpawnPosition(place: childPlace(name)) }

  @usableFromInline func childPlace(_ name: String?) -> TreePosition { cell.withChildTable { $0.place(name) } }
}
