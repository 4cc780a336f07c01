internal import CModel

/// What takes the place of the system's calls in the sources that are checked.
public enum ModelSystem {
  /// A spin loop: goes on when another thread has changed something. If none ever does, that is found as a deadlock.
  public static func pause() { troupe_model_pause() }
  public static func futexWait(_ word: UnsafeMutablePointer<UInt32>, _ expected: UInt32, _ nanoseconds: Int64) -> Bool {
    troupe_model_futex_wait(word, expected, nanoseconds)
  }
  public static func futexWake(_ word: UnsafeMutablePointer<UInt32>, _ count: Int32) {
    troupe_model_futex_wake(word, count)
  }
  /// Stands still but for a thread whose timeout has passed, which is chosen like any other step.
  public static func clock() -> Int64 { troupe_model_clock() }
}
