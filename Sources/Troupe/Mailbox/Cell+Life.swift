import Synchronization

extension Cell {
  // MARK: Called by the worker that runs the cell

  @usableFromInline enum Turn { case go, over }

  /// Handles what the control lane brought.
  @usableFromInline func handleControl() {
    stopBits |= takeControl()
    if stopBits & ~ControlWord.childrenEnded != 0 && phase.rawValue < Phase.stopping.rawValue { beginStopping() }
  }

  @usableFromInline func fail(_ error: any Error, handling messageType: String?) {
    let failure = ActorFailure(error: error, messageType: messageType, path: path, incarnation: 1)
    if self.failure == nil { self.failure = failure }
    system.log("actor failed: \(failure)")
    if phase.rawValue < Phase.stopping.rawValue { beginStopping() }
  }

  /// From here on nothing is accepted, nothing more is handled, and the children go first.
  @usableFromInline func beginStopping() {
    phase = .stopping
    // Suspended: the only thing that may wake this cell now is the control lane.
    _ = queue.pointee.tail.bitwiseOr(TailWord.closed | TailWord.suspended, ordering: .acquiringAndReleasing)
    waiters?.closeAll()
    let children = lock.withLock { self.children }
    guard let children else {
      stopBits |= ControlWord.childrenEnded
      return
    }
    let isEmpty = children.close(ControlWord.parentStopped) { [self] in post(ControlWord.childrenEnded) }
    if isEmpty { stopBits |= ControlWord.childrenEnded }
  }

  @usableFromInline var mayEnd: Bool { stopBits & ControlWord.childrenEnded != 0 }

  /// The last thing that happens to a cell. Its queue has been drained and its behavior destroyed.
  @usableFromInline func end() {
    phase = .ended
    let reason: Termination.Reason =
      if let failure {
        .failed(failure)
      } else if stopBits & ControlWord.stop != 0 {
        .stopped
      } else if stopBits & ControlWord.parentStopped != 0 {
        .parentStopped
      } else {
        .systemStopped
      }
    finish(reason)
    siblings.remove(self)
    // The hold that `ChildTable.insert` took.
    Unmanaged.passUnretained(self).release()
  }

  func finish(_ reason: Termination.Reason) {
    lock.lock()
    endReason = reason
    let waiters = terminationWaiters
    terminationWaiters = nil
    children = nil
    lock.unlock()
    if let waiters { for continuation in waiters.continuations { continuation.resume() } }
  }

  // MARK: Called by anyone

  func waitForTermination() async -> Termination {
    while true {
      if let reason = lock.withLock({ endReason }) { return Termination(reason: reason, cell: self) }
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        let isOver = lock.withLock { () -> Bool in
          if endReason != nil { return true }
          let waiters = terminationWaiters ?? TerminationWaiters()
          terminationWaiters = waiters
          waiters.continuations.append(continuation)
          return false
        }
        if isOver { continuation.resume() }
      }
    }
  }

  /// The table of this actor's children, made when it is first needed.
  func childTable() -> ChildTable {
    lock.withLock {
      if let children { return children }
      let table = ChildTable(system: system, owner: self)
      children = table
      return table
    }
  }

  /// An actor that never lives: what is sent to it becomes dead letters.
  @usableFromInline func refuse(_ reason: Termination.Reason) {
    _ = queue.pointee.tail.bitwiseOr(TailWord.closed | TailWord.gone, ordering: .acquiringAndReleasing)
    phase = .ended
    finish(reason)
    system.log(Termination(reason: reason, cell: self).description)
  }
}
