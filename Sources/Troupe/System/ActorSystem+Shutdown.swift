extension ActorSystem {
  /// Starts to stop the system, phase by phase, and returns at once.
  /// - Parameter mode: what becomes of queued messages; see `shutdown`.
  public func requestShutdown(_ mode: StopMode = .now) { core.beginShutdown(mode) }

  /// Has something done when the system is shut down. Tasks of one phase run side by side, on the system's workers.
  ///
  /// ```swift
  /// system.onShutdown(.unbind, "listener") { await listener.close() }
  /// ```
  /// What it throws is in the report. At the phase's deadline it is cancelled, and left behind if it goes on. Until the phase `actors` the system
  /// is as it was: actors can be asked and spawned. False if the shutdown has begun: then it is not done. A phase that
  /// is not among `Options.shutdownPhases` stops the program.
  @discardableResult
  public func onShutdown(
    _ phase: ShutdownPhase, _ name: String, _ task: @escaping @Sendable () async throws -> Void
  ) -> Bool {
    core.plan.add(task, name, phase)
  }

  /// Shuts the system down, phase by phase: see `ShutdownPhase`. Every actor stops, children before parents: each finishes the message in hand,
  /// and what is queued becomes dead letters, or is handled first.
  ///
  /// A second call awaits the same end. Actors that still run a handler at the deadline are reported and left behind.
  /// In a handler it would wait for itself, and stops the program with a message: use `requestShutdown` there.
  /// - Parameters:
  ///   - mode: `.drain` lets each actor take no new messages and handle what is queued, and then its children do the same. What is not done at the
  ///     deadline is dropped then, for which there is a second more.
  ///   - deadline: how long to wait at most, for all phases; nil waits without limit. If it passes before the actors' turn has come, what is
  ///     left of the phases before is left out, and the actors begin to stop.
  @discardableResult
  public func shutdown(_ mode: StopMode = .now, deadline: Duration? = .seconds(30)) async -> ShutdownReport {
    if let worker = Worker.current, worker.system === core.scheduler, worker.isRunningCell {
      fatalError(
        "Troupe: shutdown() was awaited in a handler of \(name), and would wait for itself; use requestShutdown()")
    }
    core.beginShutdown(mode)
    if await !core.waitForShutdown(deadline), core.dropRest() { _ = await core.waitForShutdown(.seconds(1)) }
    return core.shutdownReport
  }
}
