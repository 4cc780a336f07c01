/// How a cell that has become runnable gets to a worker.
extension Cell {
  /// Whoever cleared *idle* calls this, once.
  @usableFromInline func schedule() {
    if let dispatcher { return dispatcher.schedule(Runnable(self)) }
    let isDone = Worker.withCurrent { worker in
      guard worker.schedulerID == schedulerID else { return false }
      worker.push(Runnable(self))
      return true
    }
    if isDone != true { system.scheduler.schedule(Runnable(self)) }
  }

  /// Woken by this worker of the pool, which will run it. True if it was another's before. For whoever
  /// cleared *idle*: until the cell idles again it is nobody else's to wake.
  func moves(to worker: Int) -> Bool {
    let worker = UInt8(truncatingIfNeeded: worker)
    if wokenBy == worker { return false }
    defer { wokenBy = worker }
    return wokenBy != .max
  }
}
