// This folder holds what runs tasks of the language, rather than actors, on a system's workers.

/// Tasks that run beside the actors of a system.
extension ActorSystem {
  /// Starts a task on the workers of this system, beside its actors. No other place outside of an actor is as cheap to
  /// ask actors from.
  ///
  /// It does not wait, and any thread may call it. To cancel the task, cancel what this returns. The task is not a part
  /// of the system's shutdown, which does not wait for it.
  ///
  /// ```swift
  /// let balance = system.task { try? await account.ask { .balance($0) } }
  /// ```
  ///
  /// The body runs on the workers because of its isolation, which `nonisolated(nonsending)` functions inherit: those of
  /// this library, and all of a module that enables `NonisolatedNonsendingByDefault`. Other asynchronous functions and
  /// child tasks leave the workers while they run. `Task(executorPreference: system.executor)` keeps those on the
  /// workers too, and makes each await more expensive.
  ///
  /// With the compilers up to 6.3, a closure with a capture list leaves the workers too: bind a local constant instead.
  ///
  /// The body must not block its thread: a blocking call of this library stops the program there.
  @discardableResult
  public func task<Result: Sendable>(
    _ body: sending @escaping () async -> Result
  ) -> Task<Result, Never> {
    TaskRunner(core.scheduler).start(body)
  }
}
