/// The actor of the language to which one task of `ActorSystem.task` is isolated. Its executor runs on the system's
/// workers, and so does the task. A task executor preference would bring the task there as well, but would cost a lock
/// in the language's runtime at each return from an asynchronous call: to ask an actor and go on takes 340 ns with it,
/// and 200 ns without.
actor TaskRunner {
  private nonisolated let executor: LoopExecutor
  /// The executor that the task prefers besides, which only a simulation has: see `Scheduler.loopPreference`.
  private nonisolated let preference: (any TaskExecutor)?

  init(_ scheduler: any Scheduler) {
    executor = LoopExecutor(scheduler, runsHandlers: false)
    preference = scheduler.loopPreference
  }

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  nonisolated func start<Result: Sendable>(
    _ body: sending @escaping () async -> Result
  ) -> Task<Result, Never> {
    // Nothing runs on this actor yet, so isolation may be assumed. It makes the task inherit the isolation, so that the
    // task's first job comes to our executor.
    assumeIsolated { runner in runner.startTask(body) }
  }

  private func startTask<Result: Sendable>(
    _ body: sending @escaping () async -> Result
  ) -> Task<Result, Never> {
    if let preference {
      Task(executorPreference: preference) { await self.run(body) }
    } else {
      Task { await self.run(body) }
    }
  }

  private func run<Result: Sendable>(_ body: @escaping () async -> Result) async -> Result {
    await body()
  }
}
