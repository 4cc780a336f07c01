/// The times at which an actor failed, the most recent last, up to a number of them.
///
/// Adding one takes the same time however many are remembered, on average: forgotten ones are removed when they make up
/// more than half of the array. Those in a window are counted by bisection, O(log n).
struct FailureTimes: Sendable {
  private(set) var times: [Duration]
  /// The index of the first one that is not forgotten.
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

  /// The number of failures less than `window` before `now`.
  func count(within window: Duration, before now: Duration) -> Int {
    var (low, high) = (start, times.count)
    while low < high {
      let middle = low + (high - low) / 2
      if now - times[middle] < window { high = middle } else { low = middle + 1 }
    }
    return times.count - low
  }
}
