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
    if self.failure == nil { self.failure = FailureBox(failure) }
    system.log("actor failed: \(failure)")
    if phase.rawValue < Phase.stopping.rawValue { beginStopping() }
  }

  /// From here on nothing is accepted, nothing more is handled, and the children go first.
  @usableFromInline func beginStopping() {
    phase = .stopping
    // Suspended: the only thing that may wake this cell now is the control lane.
    _ = queue.pointee.tail.bitwiseOr(TailWord.closed | TailWord.suspended, ordering: .acquiringAndReleasing)
    waiters?.closeAll()
    guard let children else {
      stopBits |= ControlWord.childrenEnded
      return
    }
    let isEmpty = children.close(ControlWord.parentStopped) { [self] in post(ControlWord.childrenEnded) }
    if isEmpty { stopBits |= ControlWord.childrenEnded }
  }

  @usableFromInline var mayEnd: Bool { stopBits & ControlWord.childrenEnded != 0 }

  /// The last thing that happens to a cell. Its queue has been drained and its behavior destroyed.
  @usableFromInline func endLife() {
    phase = .ended
    let end: End =
      if let failure {
        .failed(failure)
      } else if stopBits & ControlWord.stop != 0 {
        .stopped
      } else if stopBits & ControlWord.parentStopped != 0 {
        .parentStopped
      } else {
        .systemStopped
      }
    // Whoever hears of the end finds the name free; and the parent hears of it last.
    if name != nil { siblings.freeName(of: self) }
    finish(end)
    // The table lets go of the hold that `insert` took; after that this cell may be gone.
    siblings.ended(self)
  }

  func finish(_ end: End) {
    lock.lock()
    self.end = end
    let waiters = terminationWaiters
    terminationWaiters = nil
    children = nil
    lock.unlock()
    if let waiters { for waiter in waiters.waiting { waiter.parker.signal() } }
  }

  /// Tells the children's table when their parent is at work.
  @inlinable func turnBegins() { if hasChildren { childrenTurn(true) } }
  @inlinable func turnEnds() { if hasChildren { childrenTurn(false) } }
  @usableFromInline func childrenTurn(_ begins: Bool) {
    if begins { children?.turnBegins() } else { children?.turnEnds() }
  }

  // MARK: Called by anyone

  func waitForTermination() async -> Termination {
    if let waiter = awaitEnd() { await waiter.parker.wait() }
    guard let end = lock.withLock({ end }) else { fatalError("Troupe: a termination was signalled before its end") }
    return Termination(reason: end.reason, cell: self)
  }

  /// One that is signalled at the end, or nil if that has come.
  private func awaitEnd() -> TerminationWaiters.Waiter? {
    lock.withLock {
      if end != nil { return nil }
      let waiters = terminationWaiters ?? TerminationWaiters()
      terminationWaiters = waiters
      let waiter = TerminationWaiters.Waiter()
      waiters.waiting.append(waiter)
      return waiter
    }
  }

  /// The table of this actor's children, made when it is first needed. For the actor itself: on its worker.
  @usableFromInline func childTable() -> ChildTable {
    if let children { return children }
    let table = ChildTable(system: system, owner: self, isClosed: phase.rawValue >= Phase.stopping.rawValue)
    table.turnBegins()
    children = table
    hasChildren = true
    return table
  }

  /// An actor that never lives: what is sent to it becomes dead letters.
  @usableFromInline func refuse(_ end: End) {
    _ = queue.pointee.tail.bitwiseOr(TailWord.closed | TailWord.gone, ordering: .acquiringAndReleasing)
    phase = .ended
    finish(end)
    system.log(Termination(reason: end.reason, cell: self).description)
  }
}
