import Synchronization

/// Which workers have no thread, how many of the others are looking for work, and whether the pool is quiet.
struct PoolState: ~Copyable, Sendable {
  /// A bit for each worker that has returned its thread.
  private let idle = Atomic<UInt64>(0)
  private let searching = Atomic<Int>(0)
  private let tick = Atomic<Bool>(false)
  /// For so many ticks more nobody is woken for what waits in the workers' own queues: see `Spreading`.
  private let quietTicks = Atomic<Int>(0)
  /// For how many ticks the pool was quiet last.
  private let quietLength = Atomic<Int>(0)

  func allIdle(_ count: Int) { idle.store(count == 64 ? ~0 : (1 << UInt64(count)) - 1, ordering: .relaxed) }
  func isIdle(_ index: Int) -> Bool { idle.load(ordering: .relaxed) & 1 << UInt64(index) != 0 }
  func isAllIdle(_ count: Int) -> Bool {
    idle.load(ordering: .sequentiallyConsistent).nonzeroBitCount == count
  }
  /// Workers of `count` that have a thread, as far as this moment can tell.
  func active(of count: Int) -> Int { count - idle.load(ordering: .relaxed).nonzeroBitCount }

  // MARK: Waking

  /// A cheap first look before `claimIdle`, for what waits in a worker's own queue. Relaxed: a look that
  /// comes too early costs parallelism until the next push or tick, and no wake-up, since a worker runs what
  /// it has queued itself.
  var mayWakeOne: Bool {
    idle.load(ordering: .relaxed) != 0 && searching.load(ordering: .relaxed) == 0 && !isQuiet
  }

  /// Takes an idle worker, which starts out searching. Nil if there is none, or, unless `always`, if somebody
  /// searches already.
  func claimIdle(always: Bool) -> Int? {
    var bits = idle.load(ordering: .sequentiallyConsistent)
    if bits == 0 { return nil }
    if !always && searching.load(ordering: .sequentiallyConsistent) > 0 { return nil }
    while bits != 0 {
      let lowest = bits & ~(bits - 1)
      let (exchanged, seen) = idle.compareExchange(
        expected: bits, desired: bits & ~lowest, ordering: .sequentiallyConsistent)
      if exchanged {
        searching.wrappingAdd(1, ordering: .sequentiallyConsistent)
        return lowest.trailingZeroBitCount
      }
      bits = seen
    }
    return nil
  }

  // MARK: Searching

  func startSearching() { searching.wrappingAdd(1, ordering: .sequentiallyConsistent) }
  /// True if nobody else searches now.
  func stopSearching() -> Bool { searching.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue == 0 }
  /// More than half of the workers that have a thread search: another would find nothing that these do not find.
  func hasManySearchers(of count: Int) -> Bool { searching.load(ordering: .relaxed) * 2 > active(of: count) }

  // MARK: Going idle

  func becomeIdle(_ index: Int) { idle.bitwiseOr(1 << UInt64(index), ordering: .sequentiallyConsistent) }
  /// Takes oneself back; false if somebody else has, and will start this worker anew.
  func unidle(_ index: Int) -> Bool {
    let bit: UInt64 = 1 << UInt64(index)
    return idle.bitwiseAnd(~bit, ordering: .sequentiallyConsistent).oldValue & bit != 0
  }

  /// Becomes idle if another of the `count` workers has a thread. That one will look at the injector before
  /// it gives its thread back: its own step on this word comes after this one, and its look after that. So
  /// what was put there before this step is not forgotten.
  func retire(_ index: Int, of count: Int) -> Bool {
    let bit: UInt64 = 1 << UInt64(index)
    var bits = idle.load(ordering: .relaxed)
    while (bits | bit).nonzeroBitCount < count {
      let (exchanged, seen) = idle.compareExchange(
        expected: bits, desired: bits | bit, ordering: .sequentiallyConsistent)
      if exchanged { return true }
      bits = seen
    }
    return false
  }

  // MARK: Quiet

  var isQuiet: Bool { quietTicks.load(ordering: .relaxed) > 0 }

  /// Quiet for one tick; for twice as many as the last time, up to eight, if that has only just ended.
  /// Relaxed, as all of this is: it decides how soon something runs in parallel, and never whether it runs.
  func beQuiet() {
    let length = min(8, max(1, quietLength.load(ordering: .relaxed) * 2))
    quietLength.store(length, ordering: .relaxed)
    quietTicks.store(length, ordering: .relaxed)
  }

  /// By the tick.
  func tickPasses() {
    let left = quietTicks.load(ordering: .relaxed)
    if left > 0 {
      quietTicks.store(left - 1, ordering: .relaxed)
    } else if quietLength.load(ordering: .relaxed) != 0 {
      quietLength.store(0, ordering: .relaxed)
    }
  }

  // MARK: The tick

  func claimTick() -> Bool {
    if tick.load(ordering: .sequentiallyConsistent) { return false }
    return !tick.exchange(true, ordering: .sequentiallyConsistent)
  }
  func tickDone() { tick.store(false, ordering: .sequentiallyConsistent) }
}
