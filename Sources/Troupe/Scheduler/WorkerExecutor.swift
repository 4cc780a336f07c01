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
    let job = UnownedJob(job)
    if Worker.withCurrent({ $0.loops.capture(job) }) == true { return }
    scheduler.schedule(Runnable(job))
  }

  /// Called by the language's runtime.
  public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}
