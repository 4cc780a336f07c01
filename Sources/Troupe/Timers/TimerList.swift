/// A list of timers in the order in which they came. They are linked through themselves, so nothing is allocated.
///
/// The list holds one reference count of each timer. Whoever removes a timer takes over that count.
struct TimerList {
  private var first: Unmanaged<Timer>?
  private var last: Unmanaged<Timer>?

  var isEmpty: Bool { first == nil }

  @inline(__always)
  mutating func append(_ timer: Unmanaged<Timer>) {
    let last = last
    timer._withUnsafeGuaranteedRef {
      $0.previousTimer = last
      $0.nextTimer = nil
    }
    if let last { last._withUnsafeGuaranteedRef { $0.nextTimer = timer } } else { first = timer }
    self.last = timer
  }

  @inline(__always)
  mutating func remove(_ timer: Unmanaged<Timer>) {
    let (previous, next) = timer._withUnsafeGuaranteedRef { ($0.previousTimer, $0.nextTimer) }
    if let next { next._withUnsafeGuaranteedRef { $0.previousTimer = previous } } else { last = previous }
    if let previous { previous._withUnsafeGuaranteedRef { $0.nextTimer = next } } else { first = next }
  }

  mutating func popFirst() -> Unmanaged<Timer>? {
    guard let timer = first else { return nil }
    remove(timer)
    return timer
  }

  /// Takes up to `limit` timers from the front, as a chain by `nextTimer`, and marks them as taken. Also returns how
  /// many there are.
  mutating func take(_ limit: Int) -> (Unmanaged<Timer>?, Int) {
    let chain = first
    var end: Unmanaged<Timer>?
    var rest = first
    var count = 0
    while count < limit, let timer = rest {
      end = timer
      count += 1
      rest = timer._withUnsafeGuaranteedRef {
        $0.state.take()
        return $0.nextTimer
      }
    }
    end?._withUnsafeGuaranteedRef { $0.nextTimer = nil }
    first = rest
    if let rest { rest._withUnsafeGuaranteedRef { $0.previousTimer = nil } } else { last = nil }
    return (chain, count)
  }
}
