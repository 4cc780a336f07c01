/// What a handler can do beside its own state. It belongs to the actor: it is not Sendable, and must not be used once the
/// handler or hook that it was given to has returned, except by the actor's next ones.
public struct Context<Message: ~Copyable> {
  @usableFromInline let cell: Cell

  @inlinable init(_ cell: Cell) { self.cell = cell }

  /// The address of this actor.
  @inlinable public var address: Address<Message> { Address(of: cell) }

  /// `system/parent/child`.
  public var path: String { cell.path }

  /// The system that this actor lives in.
  public var system: ActorSystem { ActorSystem(core: cell.system) }

  /// The time on the clock of the system's scheduler: since some moment of its own, some milliseconds coarse, virtual in a simulation. Only
  /// differences mean something.
  public var now: Duration { .nanoseconds(cell.system.scheduler.coarseNow) }

  /// How often this actor has been started, this time included.
  public var incarnation: Int { Int(cell.incarnation) }

  /// Ends this actor after the message in hand. What is queued becomes dead letters, or is handled first.
  public func stop(_ mode: StopMode = .now) { cell.control.post(mode.bit) }

  /// Ends a child of this actor after the message that it has in hand. Does nothing for any other actor.
  public func stop<Other: ~Copyable>(_ child: Address<Other>, _ mode: StopMode = .now) {
    let target = child.target.cell
    if target.siblings.owner === cell { target.post(mode.bit) }
  }

  /// Writes a line to the system's log, with the path of this actor.
  public func log(_ line: String) { cell.system.options.log("\(cell.path): \(line)") }

  /// Makes a dead letter of a message that this actor was to pass on and cannot: it is destroyed, counted and reported as
  /// `undeliverable`.
  public func deadLetter<Other: ~Copyable>(_ message: consuming Other) {
    _ = consume message
    cell.deadLetter(.undeliverable, Other.self)
  }

  func logUnhandled(_ signal: Signal) {
    if case .terminated(let termination) = signal { log("\(termination), and there is no handler for signals") }
  }

  /// Starts to shut the system down, and returns at once. `shutdown` cannot be awaited in a handler: it would wait for itself.
  public func requestShutdown(_ mode: StopMode = .now) { cell.system.beginShutdown(mode) }

  /// Runs tasks on the workers of this actor's system.
  public var executor: WorkerExecutor { cell.system.scheduler.executor }
}

@available(*, unavailable) extension Context: Sendable {}

extension Context: Spawner where Message: ~Copyable {
  /// For `Spawner`.
  @inlinable public func place(for name: String?) -> SpawnPlace { SpawnPlace(place: childPlace(name)) }

  @usableFromInline func childPlace(_ name: String?) -> Place { cell.withChildTable { $0.place(name) } }
}
