/// How a cell that has become runnable gets to a worker.
extension Cell {
  /// Makes the cell runnable. Whoever cleared *idle* in its tail word calls this, once, on whatever thread that is. On
  /// a worker of the cell's own scheduler the cell goes to that worker; anywhere else it goes to the scheduler.
  @usableFromInline func schedule() {
    if let dispatcher { return dispatcher.schedule(Runnable(self)) }
    let isDone = Worker.withCurrent { worker in
      guard worker.schedulerID == schedulerID else { return false }
      worker.push(Runnable(self))
      return true
    }
    if isDone != true { system.scheduler.schedule(Runnable(self)) }
  }

  /// Notes that this worker of the pool has woken the cell. Returns whether another worker of the pool had woken it
  /// last, which is a crossing.
  ///
  /// Only the thread that cleared *idle* may call this. Nobody else wakes the cell until it idles again, so the
  /// property needs no atomic.
  func moves(to worker: Int) -> Bool {
    let worker = UInt8(truncatingIfNeeded: worker)
    if wokenBy == worker { return false }
    defer { wokenBy = worker }
    return wokenBy != .max
  }
}
