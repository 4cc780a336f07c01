internal import CTroupeShims

/// Something that has happened in a system, of which `ActorSystem.Options.observer` is told.
///
/// The events of one actor come in their order: `spawned`, `started`, what happens to it, `ended`. There is no event
/// for a message that is handled, since that would slow down each message; for those there are figures, see
/// `ActorSystem.snapshot`.
public enum SystemEvent: Sendable, CustomStringConvertible {
  /// An actor has its place in the tree. None of its code has run yet.
  case spawned(ActorID)
  /// An incarnation has started, and handles messages from now on.
  case started(ActorID, incarnation: Int)
  /// A handler, a hook or a factory has thrown. Further events tell what becomes of the actor.
  case failed(ActorID, ActorFailure)
  /// The next incarnation of an actor is about to start. This comes in place of an end of the one before.
  case restarted(ActorID, incarnation: Int)
  /// An actor handles no messages until it is resumed.
  case suspended(ActorID)
  /// An actor that was suspended handles messages again.
  case resumed(ActorID)
  /// An actor has ended, or was never started.
  case ended(Termination)
  /// A message will not be handled.
  case deadLetter(DeadLetter)
  /// An unbounded mailbox has grown to `ActorSystem.Options.highWater`. This is reported again only after it has shrunk
  /// to half of that.
  case highWater(ActorID, depth: Int)
  /// The number of jobs that wait for a `TroupeExecutor` has grown to its `highWater`. This is reported again only
  /// after the number has shrunk to half of that. No job is refused.
  case backlog(executor: String, jobs: Int)
  /// An ask got no answer.
  case askFailed(AskError)
  /// The watchdog has found a handler or a task that keeps a thread for too long.
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
    case .backlog(let executor, let jobs): "backlog: \(jobs) jobs wait for the executor \(executor)"
    case .askFailed(let error): error.description
    case .watchdog(let report): "watchdog: \(report)"
    case .shutdown(let phase): "shutdown: \(phase.name)"
    }
  }
}

extension SystemCore {
  /// Tells the observer, if there is one. It is never called under a lock of ours.
  @inline(__always) func tell(_ event: @autoclosure () -> SystemEvent) {
    if let observer { tell(observer, event()) }
  }

  /// What the observer itself causes meanwhile is not reported to it, since that would go on without end.
  @inline(never) private func tell(_ observer: @Sendable (SystemEvent) -> Void, _ event: SystemEvent) {
    guard troupe_enter_listener() else { return }
    defer { troupe_leave_listener() }
    observer(event)
  }

  /// Tells the observer, and writes the event to the log.
  func report(_ event: SystemEvent) {
    log(event.description)
    tell(event)
  }
}
