/// What scenarios of the model checker make small, so that they come to the edges soon; see the file of this
/// name in `Model`.
enum PoolShape {
  /// What a worker's own queue holds: a power of two.
  static var queueCapacity: UInt { 256 }
  /// Turns between two looks of `Spreading` at the clock, which take 25 ns each.
  static var turnsBetweenLooks: UInt { 256 }
  /// Cells of ended actors that a worker gives to the depot, or takes from it, at a time.
  static var cellBatch: Int { 64 }
  /// Turns that what a worker woke last may have before what waits in the worker's queue.
  static var slotBudget: Int { 48 }
}
