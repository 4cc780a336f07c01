extension ActorSystem {
  /// Starts a task on the workers of this system, beside its actors: the cheapest place to ask actors from.
  ///
  /// The same as `Task(executorPreference: system.executor)`. It must not block the thread.
  @discardableResult
  public func task<Result: Sendable>(_ body: sending @escaping @isolated(any) () async -> Result) -> Task<Result, Never>
  {
    Task(executorPreference: executor, operation: body)
  }
}
