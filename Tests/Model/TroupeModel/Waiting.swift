internal import CModel

/// What takes the place of the system's calls in the sources that are checked.
package enum ModelSystem {
  /// A spin loop: goes on when another thread has changed something. If none ever does, that is found as a deadlock.
  package static func pause() { troupe_model_pause() }
  package static func futexWait(_ word: UnsafeMutablePointer<UInt32>, _ expected: UInt32, _ nanoseconds: Int64) -> Bool
  {
    troupe_model_futex_wait(word, expected, nanoseconds)
  }
  package static func futexWake(_ word: UnsafeMutablePointer<UInt32>, _ count: Int32) {
    troupe_model_futex_wake(word, count)
  }
  /// A place at which another thread may go on, in code that touches no shared word.
  package static func step() { troupe_model_step() }
  /// Stands still but for a thread whose timeout has passed, which is chosen like any other step.
  package static func clock() -> Int64 { troupe_model_clock() }
}
