extension ActorSystem {
  /// Begins to stop the system, phase by phase, and returns at once. It may be called in a handler.
  /// - Parameter mode: What becomes of queued messages; see `shutdown`.
  public func requestShutdown(_ mode: StopMode = .now) { core.beginShutdown(mode) }

  /// Adds a task that runs when the system is shut down. The tasks of one phase run side by side, on the system's
  /// workers.
  ///
  /// ```swift
  /// system.onShutdown(.unbind, "listener") { await listener.close() }
  /// ```
  /// If a task throws, its error is in the report. At the phase's deadline a task is cancelled, and left behind if it
  /// goes on. Until the phase `actors` the system works as before, so a task can ask and spawn actors. A phase that is
  /// not among `Options.shutdownPhases` stops the program.
  /// - Returns: False if the shutdown has begun; then the task will not run.
  @discardableResult
  public func onShutdown(
    _ phase: ShutdownPhase, _ name: String, _ task: @escaping @Sendable () async throws -> Void
  ) -> Bool {
    core.plan.add(task, name, phase)
  }

  /// Shuts the system down, phase by phase, and suspends until that is done; see `ShutdownPhase`. Every actor stops,
  /// children before parents, after it has finished the message in hand.
  ///
  /// A second call awaits the same end. Cancelling the task does not end the wait. Actors that still run a handler at
  /// the deadline are reported and left behind. A handler that awaited this would wait for itself, so that stops the
  /// program with a message: use `requestShutdown` there.
  /// - Parameters:
  ///   - mode: With `.now`, queued messages become dead letters. With `.drain`, each actor takes no new messages and
  ///     handles those that are queued, and then its children do the same; what is left at the deadline is dropped, for
  ///     which one more second is allowed.
  ///   - deadline: How long to wait at most, for all phases together; nil waits without limit. If it passes before the
  ///     actors' phase, the phases before that are cut short, and the actors begin to stop.
  @discardableResult
  public func shutdown(_ mode: StopMode = .now, deadline: Duration? = .seconds(30)) async -> ShutdownReport {
    if let worker = Worker.current, worker.system === core.scheduler, worker.isRunningCell {
      fatalError(
        "Troupe: shutdown() was awaited in a handler of \(name), and would wait for itself; use requestShutdown()")
    }
    core.beginShutdown(mode, within: deadline)
    if await !core.waitForShutdown(deadline), core.dropRest() { _ = await core.waitForShutdown(.seconds(1)) }
    return core.shutdownReport
  }
}
