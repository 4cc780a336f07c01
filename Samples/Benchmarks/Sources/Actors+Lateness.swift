import Troupe

// MARK: timer_lateness

extension Actors {
  /// Sets one timer at a time, and records how late each fires.
  struct Latecomer: Behavior, Sendable {
    let milliseconds: Int
    let count: Int
    let done: Sender<[Int]>
    var deadline: UInt64 = 0
    /// How late the timers were, in nanoseconds.
    var late: [Int] = []
    var random: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func started(in context: Context<Void>) { setNext(context) }

    mutating func receive(_ message: consuming Void, in context: Context<Void>) {
      late.append(Int(monotonicNanoseconds()) - Int(deadline))
      if late.count < count { setNext(context) } else { _ = done.send(late) }
    }

    private mutating func setNext(_ context: Context<Void>) {
      random ^= random << 13
      random ^= random >> 7
      random ^= random << 17
      // The starts are spread over a millisecond, so that the timers are not in step with the ticks of whatever moves
      // them. The handler waits for the start and does not add the time to the timer, because a runtime may be
      // precise to the microsecond, or only for whole milliseconds.
      let start = monotonicNanoseconds() + random % 1_000_000
      while monotonicNanoseconds() < start {}
      deadline = monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
      context.timers.once(0, after: .milliseconds(milliseconds), ())
    }
  }

  /// Runs `actor.timer_lateness.MS`.
  func timerLateness(_ workload: String) throws -> Measured? {
    let parts = workload.split(separator: ".")
    guard parts.count == 3, let milliseconds = Int(parts[2]), milliseconds > 0 else { return nil }
    let count = scaled(300)
    let channel = Channel.unbounded(of: [Int].self)
    let done = channel.sender
    var receiver = channel.receiver
    _ = system.spawn(awaited: awaited, Latecomer(milliseconds: milliseconds, count: count, done: done))
    let late = receiver.receive()!.sorted()
    try check(late.count == count && late[0] >= 0, "timer_lateness: early by \(-late[0]) ns")
    // Percentiles are taken by nearest rank.
    func percentile(_ p: Int) -> Double { Double(late[(count * p + 99) / 100 - 1]) / 1000 }
    return .microseconds(count: count, median: percentile(50), percentile99: percentile(99))
  }
}
