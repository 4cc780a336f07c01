/// The sizes of the pool that the scenarios of the model checker make small, so that they reach the edges soon. Under
/// the model checker the file of the same name in `Model` takes the place of this one.
enum PoolSizes {
  /// How many runnables a worker's own queue holds. It must be a power of two.
  static var queueCapacity: UInt { 256 }
  /// The number of turns between two looks of `Spreading` at the clock. A look costs about 25 ns.
  static var turnsBetweenLooks: UInt { 256 }
  /// Cells of ended actors that a worker gives to the depot, or takes from it, at a time.
  static var cellBatch: Int { 64 }
  /// Turns that what a worker woke last may have before what waits in the worker's queue.
  static var nextBudget: Int { 48 }
  /// After so many nanoseconds without a new turn a worker counts as held up, if another one asks.
  static var heldUpAfter: Int64 { 100_000 }
  /// How many turns that wait are worth a wake-up in any case; see `PoolState.estimate`.
  static var mostWorthWaking: UInt { 8 }
  /// The time between two ticks, in nanoseconds.
  static var tick: Int64 { 5_000_000 }
  /// If turns take longer than so many nanoseconds, somebody else has to wait for the sockets meanwhile.
  static var longTurn: Int64 { 250_000 }
}
