// This folder is compiled for the model checker alone. It replaces what the checker has to control: atomics, clocks,
// thread-local words and the threads of the pool. `TroupeChannels/Model` does the same for the channels.
@_exported public import TroupeModel

@usableFromInline package typealias Atomic = TroupeModel.Atomic

func troupe_cpu_pause() { ModelSystem.pause() }
func troupe_clock_now() -> Int64 { ModelSystem.clock() }
func troupe_clock_coarse() -> Int64 { ModelSystem.clock() }

func troupe_current_worker() -> UnsafeMutableRawPointer? { ModelSystem.worker }
func troupe_set_current_worker(_ worker: UnsafeMutableRawPointer?) { ModelSystem.worker = worker }
func troupe_current_loop() -> UnsafeMutableRawPointer? { ModelSystem.loop }
func troupe_set_current_loop(_ loop: UnsafeMutableRawPointer?) { ModelSystem.loop = loop }
func troupe_may_block() -> Bool { ModelSystem.mayBlock }
func troupe_set_may_block(_ may: Bool) { ModelSystem.mayBlock = may }

func troupe_thread_start(
  _ body: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void, _ argument: UnsafeMutableRawPointer?
) -> Int32 {
  ModelThread.begin(body, argument)
  return 0
}
func troupe_sleep_exactly() {}

func troupe_set_yield_hooks(
  _ wait:
    @escaping @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) ->
    Bool,
  _ goOn: @escaping @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Void
) { ModelTurns.waitATurn = wait }

/// How a job of a scenario gives up its turn.
enum ModelTurns {
  nonisolated(unsafe) fileprivate static var waitATurn:
    (@convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Bool)?

  /// False if it does not run on a worker.
  static func wait(_ job: UnownedJob) -> Bool {
    waitATurn?(ModelSystem.worker, ModelSystem.loop, unsafeBitCast(job, to: UnsafeMutableRawPointer.self)) == true
  }
}
