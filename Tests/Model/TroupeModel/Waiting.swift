internal import CModel

/// What takes the place of the system's calls in the sources that are checked.
package enum ModelSystem {
  /// A spin loop: goes on when another thread has changed something. If none ever does, that is found as a deadlock.
  package static func pause() { troupe_model_pause() }
  package static func futexWait(_ word: UnsafeMutablePointer<UInt32>, _ expected: UInt32, _ nanoseconds: Int64) -> Bool
  {
    let isWoken = troupe_model_futex_wait(word, expected, nanoseconds)
    if !isWoken { whenTimePasses?() }
    return isWoken
  }
  /// For a scenario: called on a thread whose sleep has just ended because its time was over, before anybody else goes
  /// on.
  nonisolated(unsafe) package static var whenTimePasses: (() -> Void)?
  package static func futexWake(_ word: UnsafeMutablePointer<UInt32>, _ count: Int32) {
    troupe_model_futex_wake(word, count)
  }
  /// A place at which another thread may go on, in code that touches no shared word.
  package static func step() { troupe_model_step() }
  /// For looks at words that the program would not make: nobody else can go on meanwhile. They must change nothing.
  package static func quietly<R>(_ body: () -> R) -> R {
    troupe_model_set_quiet(true)
    defer { troupe_model_set_quiet(false) }
    return body()
  }
  /// Tells the thread sanitizer that the caller writes to all of an object, as it does when it destroys it: what the
  /// language does then is not shown to the sanitizer.
  package static func writesOver(_ object: AnyObject) {
    troupe_model_writes_over(Unmanaged.passUnretained(object).toOpaque())
  }
  /// The caller is a thread of a scenario.
  package static var isInside: Bool { troupe_model_is_inside() }
  /// Asks for a run of one of the threads that rest, by its place in the execution.
  package static func start(_ thread: Int) { troupe_model_start(Int32(thread)) }
  /// For such a thread: rests until its next run. False when nothing can happen any more: then it must end.
  package static func rest() -> Bool { troupe_model_rest() }
  /// Waits until nobody else can go on; if it may be early, for any time up to that.
  package static func waitForTime(mayBeEarly: Bool) { troupe_model_wait_for_time(mayBeEarly) }
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
