/// Measures for one worker whether it is worth its while to take part, or whether the actors would run faster on one
/// worker less. Only the worker's own thread uses it.
///
/// Independent actors run the faster the more workers there are. Actors that send each other a message every few
/// nanoseconds do not: a worker that wakes an actor which ran on another processor last has to fetch the actor's queue,
/// behavior and cell from that processor's cache, which takes longer than the handler. Neither the length of queues nor
/// the length of turns tells the two cases apart. How often this happens does, so it is counted: a *crossing* is a
/// wake-up of an actor that another worker woke last. Two actors that play ping-pong have no crossings, however short
/// their turns are, and whichever worker they ran on before.
///
/// If the time that all workers have spent is less than twice what their crossings have cost, then one worker would
/// have done the same work without crossings in less time than two need. So this worker retires. It looks at the
/// figures of the whole pool only if its own say the same, because a look at the others costs more, and the figures of
/// one worker are not enough: an actor that hands long work to actors on other workers has a crossing in each turn, and
/// yet the pool as a whole has few.
struct Spreading {
  /// The number of turns between two looks at the clock.
  static var turns: UInt { PoolSizes.turnsBetweenLooks }
  /// What a crossing costs, in nanoseconds. This was measured: turns of `actor.big` take 300 ns longer on two workers
  /// than on one, and one in three has a crossing. That is more than it takes to move the few cache lines of a wake-up,
  /// because messages to actors that are awake move lines as well, and are not counted.
  static let crossingCost: Int64 = 800

  /// When the last look was, and how many crossings this worker had had then.
  private var start: Int64 = 0
  private var crossings: UInt = 0
  /// How many crossings the whole pool had had at the last look, and when that was. It is nil unless the last look was
  /// in favor of retiring.
  private var suspicion: (since: Int64, crossings: UInt)?

  /// Returns whether the worker should retire. The worker calls this every `turns` turns.
  ///
  /// - Parameters:
  ///   - own: The number of crossings that this worker has had since it exists.
  ///   - pool: Returns the number of crossings of all workers, and how many workers have a thread.
  mutating func look(at now: Int64, own: UInt, pool: () -> (crossings: UInt, active: Int)) -> Bool {
    let (elapsed, crossed) = (now - start, own &- crossings)
    start = now
    crossings = own
    guard Self.isTooDear(crossed, in: elapsed) else {
      suspicion = nil
      return false
    }
    let (all, active) = pool()
    guard active > 1, let before = suspicion else {
      suspicion = (now, all)
      return false
    }
    suspicion = nil
    return Self.isTooDear(all &- before.crossings, in: (now - before.since) * Int64(active))
  }

  /// Begins to measure anew. The worker calls this when it has got a thread, since the time before does not count.
  mutating func restart(at now: Int64, own: UInt) {
    start = now
    crossings = own
    suspicion = nil
  }

  private static func isTooDear(_ crossings: UInt, in time: Int64) -> Bool {
    time < Int64(clamping: crossings) * 2 * crossingCost
  }
}
