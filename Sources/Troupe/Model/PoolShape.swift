/// In place of the file of this name in `Scheduler`: scenarios set these. They must not change while there is a pool.
enum PoolShape {
  nonisolated(unsafe) static var queueCapacity: UInt = 256
  nonisolated(unsafe) static var turnsBetweenLooks: UInt = 256
  nonisolated(unsafe) static var cellBatch = 64
  nonisolated(unsafe) static var slotBudget = 48
}
