import Troupe

// MARK: timers

extension Actors {
  /// Sets timers far ahead, so that all wait at the same time, and then cancels each.
  struct Canceller: Behavior, Sendable {
    let done: Sender<Int>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      for i in 0..<message { context.timers.once(i, after: .milliseconds(10_000 + i &* 7919 % 60_000), i) }
      for i in 0..<message { context.timers.cancel(i) }
      _ = done.send(context.timers.isActive(0) ? 0 : message)
    }
  }
  /// Sets timers some milliseconds ahead, and sums up what comes of them.
  struct Setter: Behavior, Sendable {
    let expected: Int
    let done: Sender<Int>
    var sum = 0
    var count = 0
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      if message < 0 {
        for i in 0..<expected { context.timers.once(i, after: .milliseconds(1 + i % 20), i) }
        return
      }
      sum += message
      count += 1
      if count == expected { _ = done.send(sum) }
    }
  }

  func timersCancelled(_ n: Int) throws -> Measured {
    let result = results { done in system.spawn(awaited: awaited, Canceller(done: done)).send(n) }
    try check(result == [n], "timers_cancel \(result)")
    return .operations(n)
  }

  func timersFired(_ n: Int) throws -> Measured {
    let result = results { done in system.spawn(awaited: awaited, Setter(expected: n, done: done)).send(-1) }
    try check(result == [triangle(n)], "timers_fire \(result)")
    return .operations(n)
  }
}
