/// Runs tasks on a system's workers, beside its actors. `ActorSystem.executor` returns the one of a system.
///
/// ```swift
/// Task(executorPreference: system.executor) { … }
/// ```
///
/// A task that prefers this executor must not block its thread. `ActorSystem.task` starts a task on the same workers
/// for which each await is cheaper.
public final class WorkerExecutor: TaskExecutor {
  let scheduler: any Scheduler

  init(_ scheduler: any Scheduler) {
    self.scheduler = scheduler
    scheduler.executor = self
  }

  /// Has the workers run a job of a task. The language's runtime calls this, on any thread.
  public func enqueue(_ job: consuming ExecutorJob) {
    scheduler.schedule(Runnable(UnownedJob(job)))
  }

  /// Returns a reference to this executor that is not counted. The language's runtime calls this.
  public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}
