extension ActorSystem {
  /// Starts a task on the workers of this system, beside its actors: the cheapest place to ask actors from.
  ///
  /// The body runs there by its isolation, which functions that are `nonisolated(nonsending)` inherit: the ones of this
  /// library, and all of a module that enables `NonisolatedNonsendingByDefault`. Other asynchronous functions and child tasks
  /// leave the workers while they run; `Task(executorPreference: system.executor)` keeps those here too, and makes each await dearer.
  ///
  /// A closure with a capture list leaves the workers too, in the compilers up to 6.3: bind a local constant instead.
  ///
  /// It must not block the thread.
  @discardableResult
  public func task<Result: Sendable>(
    _ body: sending @escaping () async -> Result
  ) -> Task<Result, Never> {
    TaskLane(core.scheduler).start(body)
  }
}
