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
  /// Variables of the thread.
  package static var worker: UnsafeMutableRawPointer? {
    get { UnsafeMutableRawPointer(bitPattern: troupe_model_local(TROUPE_MODEL_WORKER)) }
    set { troupe_model_set_local(TROUPE_MODEL_WORKER, UInt(bitPattern: newValue)) }
  }
  package static var loop: UnsafeMutableRawPointer? {
    get { UnsafeMutableRawPointer(bitPattern: troupe_model_local(TROUPE_MODEL_LOOP)) }
    set { troupe_model_set_local(TROUPE_MODEL_LOOP, UInt(bitPattern: newValue)) }
  }
  package static var mayBlock: Bool {
    get { troupe_model_local(TROUPE_MODEL_MAY_BLOCK) != 0 }
    set { troupe_model_set_local(TROUPE_MODEL_MAY_BLOCK, newValue ? 1 : 0) }
  }
  /// Stands still but for a thread whose timeout has passed, which is chosen like any other step.
  package static func clock() -> Int64 { troupe_model_clock() }
}
