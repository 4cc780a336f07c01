import Synchronization

// This folder holds how an actor suspends, stops and ends, and how others hear of its end. Failures and restarts are in
// `Supervision`.

/// The life of a cell from its first handler to its end: what the control lane asks for, how an actor stops, and who is
/// told when it has ended.
extension Cell {
  // MARK: Called by the worker that runs the cell

  /// Does what the control lane asks for. The loops that call handlers call this between two messages. It may change
  /// the phase, and the caller has to look at that.
  @usableFromInline func handleControl() {
    let bits = takeControl()
    life.stopBits |= bits & ControlWord.kept
    if bits & ControlWord.envelopes != 0 { collectEnvelopes() }
    if life.isEnding { return }
    if life.stopBits & ControlWord.stops != 0 { return beginStopping() }
    if bits & ControlWord.escalated != 0, let failure = takeEscalated() {
      fail(EscalatedFailure(failure: failure), handling: nil)
    }
    if bits & ControlWord.overflow != 0 && (life.phase == .running || life.phase == .starting) {
      fail(MailboxOverflow(), handling: nil)
    }
    if bits & ControlWord.drain != 0 { beginDraining() }
    if bits & ControlWord.unreferenced != 0 && isUnreferenced {
      life.stopBits |= ControlWord.unreferenced
      return beginStopping()
    }
    if bits & ControlWord.restartDue != 0 && life.phase == .backingOff { restart() }
    if bits & ControlWord.suspend != 0 {
      isSuspendRequested = true
      if life.phase == .running { suspend() }
    }
    if bits & ControlWord.resume != 0 {
      isSuspendRequested = false
      if life.phase == .suspended {
        life.phase = .running
        setSuspended(false)
        system.tell(.resumed(ActorID(self)))
      }
    }
    if bits & ControlWord.restart != 0 && isRestartable && (life.phase == .running || life.phase == .suspended) {
      beginRestart(after: .zero)
    }
  }

  /// Suspends the actor: no message wakes it from now on, and only the control lane does.
  private func suspend() {
    life.phase = .suspended
    setSuspended(true)
    system.tell(.suspended(ActorID(self)))
  }

  /// Called when the hook `started` has returned. An actor that was asked to suspend before that, or in an earlier
  /// incarnation, is suspended now.
  @usableFromInline func incarnationBegins() {
    if isObserved { system.tell(.started(ActorID(self), incarnation: Int(life.incarnation))) }
    if isSuspendRequested { suspend() } else { life.phase = .running }
  }

  /// Closes the mailbox. The actor handles what is queued, and `finishDraining` follows.
  private func beginDraining() {
    isDraining = true
    _ = mailbox.queue.pointee.tail.bitwiseOr(TailWord.closed, ordering: .acquiringAndReleasing)
    waiters?.closeAll()
  }

  /// Called when the queue is closed and has nothing left. If the actor was asked to drain, and no envelope waits
  /// either, it begins to stop.
  @usableFromInline func finishDraining() {
    if isDraining && !hasEnvelopes { beginStopping() }
  }

  /// Begins to stop the actor: from now on it accepts no message and handles none, and its children end before it does.
  @usableFromInline func beginStopping() {
    let isClosingAlready = life.phase == .restarting && settings?.keepsChildren != true
    life.phase = .stopping
    // *suspended* makes sure that only the control lane wakes the cell from now on.
    _ = mailbox.queue.pointee.tail.bitwiseOr(TailWord.closed | TailWord.suspended, ordering: .acquiringAndReleasing)
    waiters?.closeAll()
    if isClosingAlready { return }
    // The bit may be set from a restart that kept the children.
    life.stopBits &= ~ControlWord.childrenEnded
    closeChildren()
  }

  /// Stops the children. `childrenHaveEnded` becomes true once they have ended.
  func closeChildren() {
    guard let children else {
      life.stopBits |= ControlWord.childrenEnded
      return
    }
    let isEmpty = children.close(system.childBit) { [self] in post(ControlWord.childrenEnded) }
    if isEmpty { life.stopBits |= ControlWord.childrenEnded }
  }

  /// Whether all children have ended, so that the actor may end or restart.
  @usableFromInline var childrenHaveEnded: Bool { life.stopBits & ControlWord.childrenEnded != 0 }

  /// Ends the life of a cell whose queue has been drained and whose behavior has been destroyed: tells those who want
  /// to hear of it, and leaves the parent's table. The caller must not touch the cell after this.
  @usableFromInline func endLife() {
    life.phase = .ended
    incarnationEnds()
    cancelWork()
    endSources()
    unwatchAll()
    let failure = existingRareState?.failure
    existingRareState = nil
    let end: EndState =
      if let failure {
        .failed(failure)
      } else if life.stopBits & ControlWord.stop != 0 {
        .stopped
      } else if life.stopBits & ControlWord.parentStopped != 0 {
        .parentStopped
      } else if life.stopBits & ControlWord.systemStopped != 0 {
        .systemStopped
      } else if life.stopBits & ControlWord.linkEnded != 0 {
        .linked
      } else if life.stopBits & ControlWord.unreferenced != 0 {
        .unreferenced
      } else {
        // The actor has drained, because of a shutdown or because it was asked to.
        system.drains ? (siblings.owner == nil ? .systemStopped : .parentStopped) : .stopped
      }
    // The order matters: whoever hears of the end must find the name free, and the parent's table hears of it last.
    if name != nil { siblings.freeName(of: self) }
    leaveDispatcher()
    finish(end)
    Cell.leaveTable(.passUnretained(self))
  }

  /// Has the parent's table let go of the cell. Nobody else needs to hold the cell, since a turn does not. So it is
  /// retained here until the table is done, and may be gone after that.
  ///
  /// This is not inlined, because the compiler might conclude in the caller that the cell is retained already, and
  /// leave that out.
  @inline(never) private static func leaveTable(_ unmanaged: Unmanaged<Cell>) {
    let held = unmanaged.retain()
    // The cell holds the table, so the table stays as well.
    held._withUnsafeGuaranteedRef { cell in
      cell.withSiblings { $0.ended(cell) }
    }
    letGo(held)
  }

  /// Notes how the cell has ended, and tells the observer, those who watch it, and those who wait for its end. All of
  /// that happens outside of the lock.
  func finish(_ end: EndState) {
    lock.lock()
    let listeners = endListeners
    endState = end
    let children = takeChildren()
    lock.unlock()
    children?.release()
    // From here on the end does not change any more, so it can be read without the lock.
    if isObserved, let termination = self.end {
      system.tell(.ended(termination))
      system.interceptor?.ends(self, termination)
    }
    guard let listeners, let termination = self.end else { return }
    for watch in listeners.watches.values.sorted(by: { $0.order < $1.order }) {
      watch.watcher.post(watch.envelope(termination))
    }
    for waiter in listeners.waiting { waiter.parker.signal() }
  }

  // MARK: Called by anyone

  /// Suspends until the actor has ended, and returns how. Cancellation does not end the wait.
  func waitForTermination() async -> Termination {
    if let waiter = awaitEnd() { await waiter.parker.wait() }
    guard let end = lock.withLock({ end }) else {
      fatalError("Troupe: a task was woken by the end of an actor that has not ended. This is a bug in Troupe.")
    }
    return end
  }

  /// Enters a waiter that is signalled when the actor ends. Returns nil if it has ended already.
  private func awaitEnd() -> EndListeners.Waiter? {
    lock.withLock {
      if hasEnded { return nil }
      let waiter = EndListeners.Waiter()
      listeners().waiting.append(waiter)
      return waiter
    }
  }

  /// Ends the cell of an actor that was refused and never lived. What is sent to it becomes dead letters. Called by
  /// whoever spawned it, before anyone else has its address.
  @usableFromInline func refuse(_ end: EndState) {
    _ = mailbox.queue.pointee.tail.bitwiseOr(TailWord.closed | TailWord.gone, ordering: .acquiringAndReleasing)
    life.phase = .ended
    leaveDispatcher()
    // This closes the mailbox to envelopes. There is none yet, because nobody had an address to which to post one.
    _ = leftEnvelope()
    finish(end)
    if let termination = self.end { system.log(termination.description) }
  }
}
