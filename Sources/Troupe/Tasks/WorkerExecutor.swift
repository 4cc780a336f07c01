/// Runs tasks on a system's workers, beside its actors; `ActorSystem.executor`.
///
/// ```swift
/// Task(executorPreference: system.executor) { … }
/// ```
public final class WorkerExecutor: TaskExecutor {
  let scheduler: any Scheduler

  init(_ scheduler: any Scheduler) {
    self.scheduler = scheduler
    scheduler.executor = self
  }

  /// Called by the language's runtime.
  public func enqueue(_ job: consuming ExecutorJob) {
    scheduler.schedule(Runnable(UnownedJob(job)))
  }

  /// Called by the language's runtime.
  public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}
