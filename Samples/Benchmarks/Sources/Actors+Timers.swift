import Troupe

// MARK: timers

extension Actors {
  /// Sets timers far ahead, all at once, then cancels each.
  struct Canceller: Behavior, Sendable {
    let done: Sender<Int>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      var timers: [MessageTimer<Int>] = []
      timers.reserveCapacity(message)
      for i in 0..<message {
        timers.append(context.send(i, to: context.address, after: Int64(10_000 + i &* 7919 % 60_000) * 1_000_000))
      }
      for timer in timers { context.cancel(timer) }
      _ = done.send(message)
    }
  }
  /// Sets timers a few milliseconds ahead.
  struct Setter: Behavior, Sendable {
    let target: Address<Int>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      for i in 0..<message { _ = context.send(i, to: target, after: Int64(1 + i % 20) * 1_000_000) }
    }
  }

  func timersCancelled(_ n: Int) throws -> Measured {
    let result = results { done in system.spawn(awaited: awaited, Canceller(done: done)).send(n) }
    try check(result == [n], "timers_cancel \(result)")
    return .operations(n)
  }

  func timersFired(_ n: Int) throws -> Measured {
    let result = results { done in
      let target = system.spawn(awaited: awaited, Summer(expected: n, done: done))
      system.spawn(awaited: awaited, Setter(target: target)).send(n)
    }
    try check(result == [triangle(n)], "timers_fire \(result)")
    return .operations(n)
  }
}
