/// When an actor failed, the most recent last, and no more than a number of them.
///
/// A failure costs the same however many are remembered: what is forgotten is cleared away by halves, and a window is found by bisection.
struct FailureTimes: Sendable {
  private(set) var times: [Duration]
  /// Those before this one are forgotten.
  private var start = 0

  init(_ times: [Duration] = []) { self.times = times }

  var all: [Duration] { Array(times[start...]) }

  mutating func append(_ time: Duration, remembering limit: Int) {
    times.append(time)
    start = max(start, times.count - limit)
    if start > times.count / 2 {
      times.removeFirst(start)
      start = 0
    }
  }

  /// How many came less than `window` before `now`.
  func count(within window: Duration, before now: Duration) -> Int {
    var (low, high) = (start, times.count)
    while low < high {
      let middle = low + (high - low) / 2
      if now - times[middle] < window { high = middle } else { low = middle + 1 }
    }
    return times.count - low
  }
}
