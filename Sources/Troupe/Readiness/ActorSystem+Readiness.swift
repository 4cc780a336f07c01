extension ActorSystem {
  /// The scheduler of the system, for what is built on the runtime.
  package var scheduler: any Scheduler { core.scheduler }
  /// Writes a line to the system's log.
  package func log(_ line: String) { core.log(line) }
  /// Whether the system is a simulation, in which no time passes by itself and nothing comes from outside.
  package var isSimulated: Bool { core.scheduler.runsEverything }
  /// The poller of the system's workers. It is nil in a simulation, and if the operating system refuses to make one.
  package var poller: Poller? { (core.scheduler as? PoolScheduler)?.poller }
  /// Whether the shutdown of the system has begun.
  package var isShuttingDown: Bool { core.isShutDown }
  package func hasShutdownPhase(_ phase: ShutdownPhase) -> Bool {
    core.plan.phases.contains { $0.name == phase.name }
  }
  /// For a task of a phase of the shutdown: after how long it is cancelled. It is the largest duration if it never is.
  package var shutdownPhaseTimeLeft: Duration {
    let deadline = core.plan.deadline
    return deadline == .max ? .nanoseconds(Int64.max) : .nanoseconds(max(0, deadline - core.scheduler.preciseNow))
  }
}

extension SpawnPosition {
  /// The system in which the new actor is going to be.
  package var system: ActorSystem {
    ActorSystem(core: place.withTable { $0.unmanagedSystem.takeUnretainedValue() })
  }
}

extension Address where Message: ~Copyable {
  /// Has the actor stop after the message in hand.
  package func stopSoon() { target.cell.post(ControlWord.stop) }
}
