import Synchronization

/// What all workers of a pool share: which of them have no thread, how many of the others search for work, whether a
/// tick is ordered, and whether the pool is quiet.
struct PoolState: ~Copyable, Sendable {
  /// One bit for each worker, which is set while the worker has no thread.
  private let idle = Atomic<UInt64>(0)
  /// How many workers search for work now.
  private let searching = Atomic<Int>(0)
  /// How long a turn has taken lately, in nanoseconds; see `note`. Relaxed, as the next word: they decide whether
  /// somebody is woken, for which the tick would else have to come.
  private let meanTurnTime = Atomic<Int64>(0)
  /// From how many runnables in a worker's queue on it pays to wake another worker for them; see `estimate`.
  let worthWaking = Atomic<UInt>(1)
  /// When the last tick was. Relaxed, for the same reason.
  private let lastTick = Atomic<Int64>(0)
  /// Whether a tick is ordered.
  private let tick = Atomic<Bool>(false)
  /// For how many more ticks nobody is woken for what waits in the workers' own queues. `Spreading` says why.
  private let quietTicks = Atomic<Int>(0)
  /// For how many ticks the pool was quiet last, or 0 if that is longer ago than a tick.
  private let quietLength = Atomic<Int>(0)

  /// Makes all of the `count` workers idle, before any other thread knows the pool.
  func allIdle(_ count: Int) { idle.store(count == 64 ? ~0 : (1 << UInt64(count)) - 1, ordering: .relaxed) }
  func isIdle(_ index: Int) -> Bool { idle.load(ordering: .relaxed) & 1 << UInt64(index) != 0 }
  /// Whether none of the `count` workers has a thread. Called by the tick after `tickDone`; see `PoolScheduler.tick`.
  func isAllIdle(_ count: Int) -> Bool {
    idle.load(ordering: .sequentiallyConsistent).nonzeroBitCount == count
  }
  /// How many of the `count` workers have a thread. The figure may be stale when it is used.
  func active(of count: Int) -> Int { count - idle.load(ordering: .relaxed).nonzeroBitCount }

  // MARK: Waking

  /// Whether it is worth calling `claimIdle` for what waits in a worker's own queue. This is a cheap first look.
  ///
  /// Relaxed: a worker runs what is in its own queue in any case. If the look comes too early, the work only starts to
  /// run in parallel a little later, with the next push or tick.
  var mayWakeOne: Bool {
    idle.load(ordering: .relaxed) != 0 && searching.load(ordering: .relaxed) == 0 && !isQuiet
  }

  /// Claims an idle worker, which counts as searching from now on. The caller must start it. Returns nil if no worker
  /// is idle, or if one searches already and `always` is false.
  ///
  /// The looks are sequentially consistent: a caller from outside has stored the length of the injector before. They
  /// pair with `becomeIdle` and the look that follows it.
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
  /// Ends the search of the calling worker. Returns whether it was the last that searched.
  func stopSearching() -> Bool { searching.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue == 0 }
  /// Whether more than half of the workers that have a thread search. One more would find nothing that these miss.
  func hasManySearchers(of count: Int) -> Bool { searching.load(ordering: .relaxed) * 2 > active(of: count) }

  /// How long a turn has taken lately, in nanoseconds.
  var turnTime: Int64 { meanTurnTime.load(ordering: .relaxed) }
  /// Notes how long the turns of a worker took on average since it had work again. This counts for an eighth of the
  /// mean, and for no more than eight long turns would, because a worker that has lost its processor for a while seems
  /// to have had a long turn: one such case alone does not make turns long. If two workers do this at a time, one of
  /// them is not counted.
  func note(turnTime: Int64) {
    let mean = self.turnTime
    let counted = min(turnTime, PoolSizes.longTurn.multipliedReportingOverflow(by: 8).partialValue)
    meanTurnTime.store(mean + (counted - mean) / 8, ordering: .relaxed)
  }

  /// Called by the tick: estimates from how many runnables on it pays to wake another worker for them. `turns` is the
  /// greatest number of turns that a worker has made since the last tick.
  ///
  /// If there are sockets, that is what the worker has done in about 50 microseconds, and 8 runnables at most. Where
  /// turns are long, or few are made, it is 1. To wake a thread costs several microseconds, and more if another
  /// program has to give up its processor for it. Where turns are short, one worker has often done what waits before
  /// the other one runs. Both then change places all the time, and a request whose actor is on a worker that has just
  /// lost its processor waits for it. If the estimate is wrong the next event of a socket helps, or the next tick.
  /// `Docs/Architecture.md` has figures.
  func estimate(turns: UInt, whileSocketsWait: Bool, at now: Int64) {
    lastTick.store(now, ordering: .relaxed)
    let worth = whileSocketsWait ? min(PoolSizes.mostWorthWaking, max(1, turns / 100)) : 1
    if worthWaking.load(ordering: .relaxed) != worth { worthWaking.store(worth, ordering: .relaxed) }
  }

  /// Called when a tick is ordered after all workers were idle. If that was long ago, the last estimate does not tell
  /// how long the next turns will be, and everything is worth a wake-up.
  func idleEnds(at now: Int64) {
    if now - lastTick.load(ordering: .relaxed) > 2 * PoolSizes.tick { worthWaking.store(1, ordering: .relaxed) }
  }

  // MARK: Going idle

  /// Says that a worker is idle. The worker calls this, and then looks at all queues once more.
  func becomeIdle(_ index: Int) { idle.bitwiseOr(1 << UInt64(index), ordering: .sequentiallyConsistent) }
  /// Takes back that a worker is idle. The worker calls this. Returns false if another thread has claimed the worker
  /// meanwhile, and will start it.
  func unidle(_ index: Int) -> Bool {
    let bit: UInt64 = 1 << UInt64(index)
    return idle.bitwiseAnd(~bit, ordering: .sequentiallyConsistent).oldValue & bit != 0
  }

  /// Says that a worker is idle, provided that another of the `count` workers has a thread. The worker calls this.
  /// Returns false if no other has one.
  ///
  /// The other worker will look at the injector before it gives its own thread back, because its step on this word
  /// comes after this one, and its look after that step. So what was put into the injector before this step will be
  /// run.
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

  /// Makes the pool quiet for one tick. If it has only just ceased to be quiet, makes it quiet for twice as many ticks
  /// as the last time, eight at most. A worker that retires calls this.
  ///
  /// All steps on these two words are relaxed: they decide how soon something runs in parallel, and never whether it
  /// runs.
  func beQuiet() {
    let length = min(8, max(1, quietLength.load(ordering: .relaxed) * 2))
    quietLength.store(length, ordering: .relaxed)
    quietTicks.store(length, ordering: .relaxed)
  }

  /// Counts a tick. Only the tick calls this.
  func tickPasses() {
    let left = quietTicks.load(ordering: .relaxed)
    if left > 0 {
      quietTicks.store(left - 1, ordering: .relaxed)
    } else if quietLength.load(ordering: .relaxed) != 0 {
      quietLength.store(0, ordering: .relaxed)
    }
  }

  // MARK: The tick

  /// Notes that a tick is ordered. Returns whether the caller has to order it, because none was ordered before.
  func claimTick() -> Bool {
    if tick.load(ordering: .sequentiallyConsistent) { return false }
    return !tick.exchange(true, ordering: .sequentiallyConsistent)
  }
  /// Says that no tick is ordered any more. The tick calls this at its end, before it looks whether all are idle.
  func tickDone() { tick.store(false, ordering: .sequentiallyConsistent) }
}
