internal import CTroupeShims

/// Where the tasks of workers wait, either for one turn or for as long as it takes.
///
/// A task waits by switching to this actor, whose executor keeps the job of the task. On the way back, the runtime of
/// the language takes the task to where it belongs. A continuation would do the same with a detour: it is resumed on
/// the global pool, which other code may block, or it takes a lock to look up the task's preferred executor.
///
/// A task that came from a worker's loop or lane is run there again as if it had never left. It believes itself to be
/// in `enter`, which needs no isolation, and finds itself at the place to which it was about to return. That saves
/// the way back. A switch costs some 50 ns in the runtime of the language, which records what a suspended task waits
/// for.
///
/// A task waits for one turn where the thing that it waits for may be about to be done on this very thread. Going on
/// after a turn costs a fraction of being woken, and needs neither a timer nor a cancellation handler. The call
/// `if TaskYield.isOnWorker { await TaskYield.point.enter() }` is spelled out where it is needed, because every
/// asynchronous call in between costs a look at the executor when it returns.
///
/// `Parker.wait` is what a task calls to wait for longer.
@usableFromInline package actor TaskYield {
  @usableFromInline package static let point = TaskYield()
  @usableFromInline package static var isOnWorker: Bool { troupe_current_worker() != nil }

  /// The executor has no state, so tasks of several workers may be in it at the same time.
  private final class Executor: SerialExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
      let job = UnownedJob(job)
      if let parker = troupe_take_parking() {
        let loop = troupe_current_loop()
        if !Parker.keep(job, of: loop, at: parker) { TaskYield.goOn(job, of: loop) }
      } else if !troupe_yield_on_worker(unsafeBitCast(job, to: UnsafeMutableRawPointer.self)) {
        job.runSynchronously(on: asUnownedSerialExecutor())
      }
    }
    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
  }
  private nonisolated let executor = Executor()

  @usableFromInline package nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  /// Does nothing, by calling something that the compiler does not know: a switch to the actor for which there is no
  /// need would be optimised away.
  @inline(never) @usableFromInline package func enter() { troupe_opaque_nothing() }

  /// Lets others have a turn, wherever the task runs. On a worker, `Task.yield` would go by way of the global pool.
  @usableFromInline nonisolated(nonsending) package static func yield() async {
    if isOnWorker { await point.enter() } else { await Task.yield() }
  }

  /// Lets a task that waited here go on. The calling thread runs nothing but that task.
  package static func goOn(_ job: UnownedJob, of loop: UnsafeMutableRawPointer?) {
    if let loop {
      troupe_go_on(loop, unsafeBitCast(job, to: UnsafeMutableRawPointer.self))
    } else {
      job.runSynchronously(on: point.unownedExecutor)
    }
  }
}
