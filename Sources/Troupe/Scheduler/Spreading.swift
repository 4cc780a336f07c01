/// Measures for one worker whether it pays that it takes part, or whether its actors had better run on one
/// processor less.
///
/// Independent actors run the faster the more workers there are. Actors that send each other a message every
/// few nanoseconds do not: whoever wakes an actor that ran on another processor last has to fetch it from
/// that one's cache (its queue, its behavior, its cell), and pays more than the handler takes. Neither the
/// length of a queue nor that of a turn tells the two apart. What tells them apart is how often it happens: a
/// *crossing* is a wake-up of an actor that ran on another worker last. A pair that plays ping-pong has none,
/// however short its turns, wherever its worker got it from.
///
/// So: if the time that the pool's workers have spent is less than twice what their crossings have cost, then
/// without the crossings one worker would have done the same in less time than two take, and this one
/// retires. It is the worker's own time and crossings that make it look at the pool's: an actor that hands
/// long work to others on other workers has a crossing a turn, and the pool as a whole has not.
///
/// For the worker's own thread alone.
struct Spreading {
  /// Turns between two looks at the clock.
  static var turns: UInt { PoolShape.turnsBetweenLooks }
  /// What a crossing costs, in nanoseconds. Measured: turns of `actor.big` take 300 ns longer on two workers
  /// than on one, with a crossing in each third. It is more than the few lines that a wake-up moves, as
  /// messages to actors that are awake cross as well, and are not counted.
  static let crossingCost: Int64 = 800

  private var start: Int64 = 0
  private var crossings: UInt = 0
  /// The pool's, and when they were read: the last look has been in favor of retiring.
  private var suspicion: (since: Int64, crossings: UInt)?

  /// True if the worker should retire. `own` are its crossings since it exists; `pool` tells those of all,
  /// and how many workers have a thread.
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

  /// Begins anew: the worker had no thread, or has just got one.
  mutating func restart(at now: Int64, own: UInt) {
    start = now
    crossings = own
    suspicion = nil
  }

  private static func isTooDear(_ crossings: UInt, in time: Int64) -> Bool {
    time < Int64(clamping: crossings) * 2 * crossingCost
  }
}
