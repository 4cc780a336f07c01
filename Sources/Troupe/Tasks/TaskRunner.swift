/// The actor that a task of `ActorSystem.task` is isolated to; its executor is the system's workers. A task executor
/// preference would bring the task to the workers as well, at the cost of a lock in the language's runtime at each
/// return from an asynchronous call.
actor TaskRunner {
  private nonisolated let executor: LoopExecutor
  private nonisolated let preference: (any TaskExecutor)?

  init(_ scheduler: any Scheduler) {
    executor = LoopExecutor(scheduler, runsHandlers: false)
    preference = scheduler.loopPreference
  }

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  nonisolated func start<Result: Sendable>(
    _ body: sending @escaping () async -> Result
  ) -> Task<Result, Never> {
    // Nothing runs here yet. Isolation is only assumed so that the task's first job comes to our executor.
    assumeIsolated { lane in lane.startTask(body) }
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
