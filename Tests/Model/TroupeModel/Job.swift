/// A job in a model, of which the language's runtime knows nothing: a job of its own is a task's, which must not change
/// from one thread to another in the midst of a step, as the threads of a model do.
package final class ModelJob {
  private let onSerialExecutor: () -> Void
  private let onTaskExecutor: () -> Void

  package init(onSerialExecutor: @escaping () -> Void, onTaskExecutor: @escaping () -> Void) {
    self.onSerialExecutor = onSerialExecutor
    self.onTaskExecutor = onTaskExecutor
  }

  /// Not retained: the scenario keeps it.
  package var bits: UnownedJob { unsafeBitCast(Unmanaged.passUnretained(self).toOpaque(), to: UnownedJob.self) }

  fileprivate static func of(_ job: UnownedJob) -> Unmanaged<ModelJob> {
    .fromOpaque(unsafeBitCast(job, to: UnsafeRawPointer.self))
  }
  fileprivate func run() { onSerialExecutor() }
  fileprivate func runOfTask() { onTaskExecutor() }
}

// In the sources that are checked these are found before those of the language.
extension UnownedJob {
  package func runSynchronously(on executor: UnownedSerialExecutor) {
    ModelJob.of(self)._withUnsafeGuaranteedRef { $0.run() }
  }
  package func runSynchronously(on executor: UnownedTaskExecutor) {
    ModelJob.of(self)._withUnsafeGuaranteedRef { $0.runOfTask() }
  }
}
