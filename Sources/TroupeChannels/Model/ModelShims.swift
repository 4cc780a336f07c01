// This folder is compiled for the model checker alone (`TROUPE_MODEL`, see Package.swift), and does not exist in any
// other build. What it declares is found before what the sources import under the same names, so that each operation
// on a shared word, each pause and each sleep becomes a choice of who goes on.
@_exported public import TroupeModel

@usableFromInline package typealias Atomic = TroupeModel.Atomic

func troupe_futex_wait(_ word: UnsafeMutablePointer<UInt32>, _ expected: UInt32, _ nanoseconds: Int64) -> Bool {
  ModelSystem.futexWait(word, expected, nanoseconds)
}
func troupe_futex_wake(_ word: UnsafeMutablePointer<UInt32>, _ count: Int32) { ModelSystem.futexWake(word, count) }
func troupe_clock_now() -> Int64 { ModelSystem.clock() }
/// Does nothing. Only `FutexLock` calls it here, between looks at its word, and the controller knows a look that is
/// repeated.
func troupe_cpu_pause() {}

func troupe_current_worker() -> UnsafeMutableRawPointer? { ModelSystem.worker }
func troupe_current_loop() -> UnsafeMutableRawPointer? { ModelSystem.loop }
func troupe_may_block() -> Bool { ModelSystem.mayBlock }
/// Always the same, so that an execution can be repeated.
func troupe_random_next() -> UInt64 { 0 }
