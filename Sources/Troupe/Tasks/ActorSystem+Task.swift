extension ActorSystem {
  /// Starts a task on the workers of this system, beside its actors. This is the cheapest place to ask actors from.
  ///
  /// The body runs on the workers because of its isolation, which `nonisolated(nonsending)` functions inherit: those of
  /// this library, and all of a module that enables `NonisolatedNonsendingByDefault`. Other asynchronous functions and
  /// child tasks leave the workers while they run. `Task(executorPreference: system.executor)` keeps those on the
  /// workers too, and makes each await more expensive.
  ///
  /// With the compilers up to 6.3, a closure with a capture list leaves the workers too: bind a local constant instead.
  ///
  /// The body must not block the thread.
  @discardableResult
  public func task<Result: Sendable>(
    _ body: sending @escaping () async -> Result
  ) -> Task<Result, Never> {
    TaskRunner(core.scheduler).start(body)
  }
}
