internal import CTroupeShims

/// Where the tasks of workers wait: for a turn, or for as long as it takes.
///
/// A task waits by switching to this actor, whose executor keeps the task's job; on the way back the language's runtime takes
/// the task to where it belongs. A continuation would do the same with a detour: it is resumed on the global pool, which other
/// code may block, or takes a lock to look for the task's preference.
///
/// A task that came from a worker's loop or lane is run there again as if it had never left: it believes to be in `enter`, which
/// needs no isolation, and finds itself where it was about to return to. That spares the way back.
///
/// For a turn: what a task waits for may be about to be done on this very thread. To go on after a turn costs a fraction of
/// being woken, and needs neither a timer nor a cancellation handler. `if TaskTurn.isOnWorker { await TaskTurn.spot.enter() }`,
/// spelled out where it is needed: every asynchronous call in between costs a look at the executor when it returns.
///
/// For longer: `Parker.wait`.
@usableFromInline package actor TaskTurn {
  @usableFromInline package static let spot = TaskTurn()
  @usableFromInline package static var isOnWorker: Bool { troupe_current_worker() != nil }

  /// Has no state, so it matters to nobody that tasks of several workers are in it at a time.
  private final class Executor: SerialExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
      let job = UnownedJob(job)
      if let parker = troupe_take_parking() {
        let loop = troupe_current_loop()
        if !Parker.keep(job, of: loop, at: parker) { TaskTurn.goOn(job, of: loop) }
      } else if !troupe_wait_a_turn(unsafeBitCast(job, to: UnsafeMutableRawPointer.self)) {
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

  /// Lets others have a turn, wherever the task runs. `Task.yield` would go by way of the global pool.
  @usableFromInline nonisolated(nonsending) package static func yield() async {
    if isOnWorker { await spot.enter() } else { await Task.yield() }
  }

  /// Sends a task on its way that waited here. It runs nothing but that on the calling thread.
  package static func goOn(_ job: UnownedJob, of loop: UnsafeMutableRawPointer?) {
    if let loop {
      troupe_go_on(loop, unsafeBitCast(job, to: UnsafeMutableRawPointer.self))
    } else {
      job.runSynchronously(on: spot.unownedExecutor)
    }
  }
}
