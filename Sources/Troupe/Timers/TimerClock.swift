internal import CTroupeShims

/// Moves a timer wheel on a thread of its own, which sleeps until the deadline that the wheel has asked for.
///
/// Timers of Dispatch would wake three threads for each deadline: its manager, a thread of the queue, and the worker
/// that is to run. With 1,000 timers a second that took about twice the processor time. A new deadline wakes the thread
/// only if it is earlier than all others and the thread sleeps, so many that come one after the other are one wake-up.
/// The thread begins with the first timer and ends with the scheduler.
///
/// Sendable because what changes is under the lock.
final class TimerClock: @unchecked Sendable {
  let wheel = TimerWheel()
  private let lock = FutexLock()
  /// What the wheel asked for last: when to call it, and the number of the request.
  private var deadline = Int64.max
  private var request: UInt64 = 0
  private var hasThread = false
  private var isOver = false
  private let parker = Parker()

  init() { wheel.arm = { [unowned(unsafe) self] in arm($0, $1) } }

  /// From any thread; requests may come out of order.
  private func arm(_ deadline: Int64, _ number: UInt64) {
    lock.lock()
    guard number > request else { return lock.unlock() }
    self.deadline = deadline
    request = number
    let isFirst = !hasThread
    hasThread = true
    lock.unlock()
    if isFirst { start() } else { parker.signal() }
  }

  /// The thread goes, as soon as it has fired what it is firing. Also called on that thread: what a timer
  /// lets go of may be the scheduler.
  func end() {
    lock.withLock { isOver = true }
    parker.signal()
  }

  private func start() {
    let argument = Unmanaged.passRetained(self)
    let error = troupe_thread_start(
      { Unmanaged<TimerClock>.fromOpaque($0.unsafelyUnwrapped).takeRetainedValue().run() }, argument.toOpaque())
    if error != 0 { fatalError("Troupe: no thread for the timers of an actor system, error \(error)") }
  }

  private func run() {
    troupe_set_may_block(true)
    troupe_sleep_exactly()
    while true {
      // Before the look: who asks after it is heard by the wait.
      parker.reset()
      guard let next = next() else { return }
      if let due = next.due {
        wheel.advance(to: due, request: next.request)
      } else {
        _ = parker.wait(until: Deadline(nanoseconds: next.deadline), spinning: false, call: "the clock of timers")
      }
    }
  }

  private struct Next {
    var deadline: Int64
    var request: UInt64
    /// Now, if the deadline has passed.
    var due: Int64?
  }

  /// Nil if it is over.
  private func next() -> Next? {
    lock.withLock {
      if isOver { return nil }
      var next = Next(deadline: deadline, request: request)
      if deadline == .max { return next }
      let now = troupe_clock_now()
      if deadline > now { return next }
      // The wheel asks again if there is more to come.
      deadline = .max
      next.due = now
      return next
    }
  }
}
