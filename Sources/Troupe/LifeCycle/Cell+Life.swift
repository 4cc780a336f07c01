import Synchronization

extension Cell {
  // MARK: Called by the worker that runs the cell

  /// Handles what the control lane brought.
  @usableFromInline func handleControl() {
    let bits = takeControl()
    life.stopBits |= bits & ControlWord.kept
    if bits & ControlWord.envelopes != 0 { collectEnvelopes() }
    if life.isEnding { return }
    if life.stopBits & ControlWord.stops != 0 { return beginStopping() }
    if bits & ControlWord.escalated != 0, let failure = takeEscalated() {
      fail(EscalatedFailure(failure: failure), handling: nil)
    }
    if bits & ControlWord.overflow != 0 && (life.phase == .running || life.phase == .new) {
      fail(MailboxOverflow(), handling: nil)
    }
    if bits & ControlWord.drain != 0 { beginDraining() }
    if bits & ControlWord.unreferenced != 0 && isUnreferenced {
      life.stopBits |= ControlWord.unreferenced
      return beginStopping()
    }
    if bits & ControlWord.restartDue != 0 && life.phase == .waiting { restart() }
    if bits & ControlWord.suspend != 0 {
      isHeld = true
      if life.phase == .running { hold() }
    }
    if bits & ControlWord.resume != 0 {
      isHeld = false
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

  private func hold() {
    life.phase = .suspended
    setSuspended(true)
    system.tell(.suspended(ActorID(self)))
  }

  /// `started` has returned. One that was suspended before, or in an earlier incarnation, still is.
  @usableFromInline func incarnationBegins() {
    if isObserved { system.tell(.started(ActorID(self), incarnation: Int(life.incarnation))) }
    if isHeld { hold() } else { life.phase = .running }
  }

  private func beginDraining() {
    isDraining = true
    _ = mailbox.queue.pointee.tail.bitwiseOr(TailWord.closed, ordering: .acquiringAndReleasing)
    waiters?.closeAll()
  }

  /// The queue is closed and empty: if that was asked for, the end begins. Else a producer is about to fill the hole.
  @usableFromInline func finishDraining() {
    if isDraining && !hasEnvelopes { beginStopping() }
  }

  /// From here on nothing is accepted, nothing more is handled, and the children go first.
  @usableFromInline func beginStopping() {
    let isClosingAlready = life.phase == .restarting && settings?.keepsChildren != true
    life.phase = .stopping
    // Suspended: the only thing that may wake this cell now is the control lane.
    _ = mailbox.queue.pointee.tail.bitwiseOr(TailWord.closed | TailWord.suspended, ordering: .acquiringAndReleasing)
    waiters?.closeAll()
    if isClosingAlready { return }
    // Set if a restart was to keep them.
    life.stopBits &= ~ControlWord.childrenEnded
    closeChildren()
  }

  /// Stops the children; `mayEnd` once they have ended.
  func closeChildren() {
    guard let children else {
      life.stopBits |= ControlWord.childrenEnded
      return
    }
    let isEmpty = children.close(system.childBit) { [self] in post(ControlWord.childrenEnded) }
    if isEmpty { life.stopBits |= ControlWord.childrenEnded }
  }

  @usableFromInline var mayEnd: Bool { life.stopBits & ControlWord.childrenEnded != 0 }

  /// The last thing that happens to a cell. Its queue has been drained and its behavior destroyed.
  @usableFromInline func endLife() {
    life.phase = .ended
    incarnationEnds()
    cancelWork()
    unwatchAll()
    let failure = existingRareState?.failure
    existingRareState = nil
    let end: EndReason =
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
        // Drained.
        system.drains ? (siblings.owner == nil ? .systemStopped : .parentStopped) : .stopped
      }
    // Whoever hears of the end finds the name free; and the parent hears of it last.
    if name != nil { siblings.freeName(of: self) }
    leaveDispatcher()
    finish(end)
    Cell.leaveTable(.passUnretained(self))
  }

  /// The table lets go of the hold that `insert` took, and nobody else needs to have one: a turn has none. So
  /// it is held here until the table is done, and may be gone after that. Out of line, where the compiler
  /// cannot think that it is held already.
  @inline(never) private static func leaveTable(_ unmanaged: Unmanaged<Cell>) {
    let held = unmanaged.retain()
    // It holds the table.
    held._withUnsafeGuaranteedRef { cell in
      cell.withSiblings { $0.ended(cell) }
    }
    letGo(held)
  }

  func finish(_ end: EndReason) {
    lock.lock()
    let listeners = endListeners
    endReason = end
    let children = takeChildren()
    lock.unlock()
    children?.release()
    // Nothing changes any more.
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

  func waitForTermination() async -> Termination {
    if let waiter = awaitEnd() { await waiter.parker.wait() }
    guard let end = lock.withLock({ end }) else { fatalError("Troupe: a termination was signalled before its end") }
    return end
  }

  /// One that is signalled at the end, or nil if that has come.
  private func awaitEnd() -> EndListeners.Waiter? {
    lock.withLock {
      if hasEnded { return nil }
      let waiter = EndListeners.Waiter()
      listeners().waiting.append(waiter)
      return waiter
    }
  }

  /// An actor that never lives: what is sent to it becomes dead letters.
  @usableFromInline func refuse(_ end: EndReason) {
    _ = mailbox.queue.pointee.tail.bitwiseOr(TailWord.closed | TailWord.gone, ordering: .acquiringAndReleasing)
    life.phase = .ended
    leaveDispatcher()
    // Nobody can have posted a message of its type yet, and nothing comes any more.
    _ = leftEnvelope()
    finish(end)
    if let termination = self.end { system.log(termination.description) }
  }
}
