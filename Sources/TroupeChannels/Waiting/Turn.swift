internal import CTroupeShims

/// Lets others have a turn on a worker, because what a task waits for may be about to be done on this very thread. To go on
/// after a turn costs a fraction of being woken, and needs neither a timer nor a cancellation handler.
///
/// `if TaskTurn.isOnWorker { await TaskTurn.spot.enter() }` is to switch to an executor that keeps the task's job for a turn;
/// on the way back the language's runtime takes the task to where it belongs. A continuation would do the same with a detour:
/// it is resumed on the global pool, or takes a lock to look for the task's preference. Spelled out where it is needed:
/// every asynchronous call in between costs a look at the executor when it returns.
@usableFromInline package actor TaskTurn {
  @usableFromInline package static let spot = TaskTurn()
  @usableFromInline package static var isOnWorker: Bool { troupe_current_worker() != nil }

  /// Has no state, so it matters to nobody that tasks of several workers are in it at a time.
  private final class Executor: SerialExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
      let job = UnownedJob(job)
      if !troupe_wait_a_turn(unsafeBitCast(job, to: UnsafeMutableRawPointer.self)) {
        job.runSynchronously(on: asUnownedSerialExecutor())
      }
    }
    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
  }
  private nonisolated let executor = Executor()

  @usableFromInline package nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  /// Calls something that the compiler does not know: a switch that nothing needs would be optimised away.
  @inline(never) @usableFromInline package func enter() { troupe_opaque_nothing() }

  /// Ends the turn that a task gave up.
  package static func run(_ job: UnownedJob) { job.runSynchronously(on: spot.unownedExecutor) }
}
