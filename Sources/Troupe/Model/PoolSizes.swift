/// Takes the place of the file of the same name in `Scheduler` under the model checker. A scenario sets these sizes,
/// and must not change them while it has a pool.
enum PoolSizes {
  nonisolated(unsafe) static var queueCapacity: UInt = 256
  nonisolated(unsafe) static var turnsBetweenLooks: UInt = 256
  nonisolated(unsafe) static var cellBatch = 64
  nonisolated(unsafe) static var nextBudget = 48
  nonisolated(unsafe) static var heldUpAfter: Int64 = 0
  nonisolated(unsafe) static var longTurn = Int64.max
  nonisolated(unsafe) static var mostWorthWaking: UInt = 8
  static let tick: Int64 = 5_000_000
}
