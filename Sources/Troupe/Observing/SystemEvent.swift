internal import CTroupeShims

/// Something that has happened in a system; `ActorSystem.Options.observer` hears of it.
///
/// The events of one actor's life come in their order: `spawned`, `started`, what happens to it, `ended`. Nothing is told of a single message that
/// is handled: for that there are figures, see `ActorSystem.snapshot`.
public enum SystemEvent: Sendable, CustomStringConvertible {
  /// An actor has its place in the tree. Nothing of it has run.
  case spawned(ActorID)
  /// An incarnation has started and handles messages from now on.
  case started(ActorID, incarnation: Int)
  /// A handler, a hook or a factory has thrown. What becomes of the actor follows.
  case failed(ActorID, ActorFailure)
  /// The next incarnation is about to start. Told in place of an end.
  case restarted(ActorID, incarnation: Int)
  /// It handles no messages until it is resumed.
  case suspended(ActorID)
  /// It handles messages again.
  case resumed(ActorID)
  /// An actor has ended, or was refused a life.
  case ended(Termination)
  /// A message will not be handled.
  case deadLetter(DeadLetter)
  /// An unbounded mailbox has grown to `ActorSystem.Options.highWater`; told again only after it has shrunk to half of that.
  case highWater(ActorID, depth: Int)
  /// An ask has no answer.
  case askFailed(AskError)
  /// The watchdog has seen something.
  case watchdog(Watchdog.Report)
  /// The shutdown has come to a phase; see `ActorSystem.onShutdown`.
  case shutdown(ShutdownPhase)

  /// One line for a log.
  public var description: String {
    switch self {
    case .spawned(let actor): "\(actor) spawned"
    case .started(let actor, let incarnation): "\(actor) started (incarnation \(incarnation))"
    case .failed(_, let failure): "actor failed: \(failure)"
    case .restarted(let actor, let incarnation): "actor restarts: \(actor) (incarnation \(incarnation))"
    case .suspended(let actor): "\(actor) suspended"
    case .resumed(let actor): "\(actor) resumed"
    case .ended(let termination): termination.description
    case .deadLetter(let letter): letter.description
    case .highWater(let actor, let depth): "high water: \(actor) has \(depth) messages queued"
    case .askFailed(let error): error.description
    case .watchdog(let report): "watchdog: \(report)"
    case .shutdown(let phase): "shutdown: \(phase.name)"
    }
  }
}

extension SystemCore {
  /// Tells the observer, if there is one. Never under a lock of ours.
  @inline(__always) func tell(_ event: @autoclosure () -> SystemEvent) {
    if let observer { tell(observer, event()) }
  }

  /// What the observer itself causes meanwhile is not told: it would be told without end.
  @inline(never) private func tell(_ observer: @Sendable (SystemEvent) -> Void, _ event: SystemEvent) {
    guard troupe_enter_listener() else { return }
    defer { troupe_leave_listener() }
    observer(event)
  }

  /// Tells the observer, and the log.
  func report(_ event: SystemEvent) {
    log(event.description)
    tell(event)
  }
}
