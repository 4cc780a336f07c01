import Synchronization

extension Cell {
  /// Decides what becomes of the actor after an error was thrown. Afterwards the worker acts according to `phase`.
  @usableFromInline func fail(_ error: any Error, handling messageType: String?) {
    let now = Duration.nanoseconds(system.scheduler.coarseNow)
    let failure = ActorFailure(
      error: error, messageType: messageType, path: path, incarnation: Int(life.incarnation), time: now)
    Worker.withCurrent { $0.counts.addFailure() }
    meter?.failures.wrappingAdd(1, ordering: .relaxed)
    system.report(.failed(ActorID(self), failure))
    system.interceptor?.fails(self, with: failure)
    guard !life.isEnding else {
      // The actor is stopping already. The first failure is the one that its end reports.
      return keep(failure)
    }
    switch replacingImpossible(decide(failure), error) {
    case .resume: return
    case .restart where life.phase == .restarting || life.phase == .backingOff:
      // A child has escalated its failure during a restart, which is what the decision asks for.
      return
    case .restart(let delay):
      beginRestart(after: delay)
      siblings.restart(with: self)
    case .stop:
      stop(because: failure)
    case .escalate:
      stop(because: failure)
      siblings.owner?.escalate(failure)
    }
  }

  /// Asks the policy. The history must be gone when the failure is appended, or that would copy all of it; so this is a
  /// function of its own that is not inlined.
  @inline(never) private func consult(_ supervision: Supervision, _ failure: ActorFailure) -> Supervision.Decision {
    let rareState = rareState
    let history = Supervision.History(
      rareState.failures, restarts: rareState.restarts, random: system.scheduler.randomUnit())
    return supervision.decide(failure, history)
  }

  private func decide(_ failure: ActorFailure) -> Supervision.Decision {
    let supervision = settings?.supervision ?? system.options.supervision
    let decision = consult(supervision, failure)
    rareState.failures.append(failure.time, remembering: supervision.remembered)
    return decision
  }

  private func replacingImpossible(_ decision: Supervision.Decision, _ error: any Error) -> Supervision.Decision {
    switch decision {
    // The actor has not started, so it has no state to go on with. Failures of children that were kept, and of the
    // mailbox, are no failures to start.
    case .resume where life.phase == .starting && !(error is EscalatedFailure || error is MailboxOverflow): .stop
    case .restart where !isRestartable: .stop
    default: decision
    }
  }

  private func keep(_ failure: ActorFailure) {
    if rareState.failure == nil { rareState.failure = FailureBox(failure) }
  }

  private func stop(because failure: ActorFailure) {
    keep(failure)
    siblings.owner?.post(SignalEnvelope(.childFailed(failure)))
    beginStopping()
  }

  /// Lets this actor fail with a child's failure. Called on the child's worker.
  func escalate(_ failure: ActorFailure) {
    lock.withLock {
      // The actor has ended, and needs to hear of nothing.
      if hasEnded { return }
      let listeners = listeners()
      if listeners.escalated == nil { listeners.escalated = FailureBox(failure) }
    }
    post(ControlWord.escalated)
  }

  func takeEscalated() -> ActorFailure? { lock.withLock { endListeners?.escalated.take()?.failure } }

  // MARK: Restart

  /// Begins a restart: no message is handled until the next incarnation has started, but the mailbox stays open.
  func beginRestart(after delay: Duration) {
    life.phase = .restarting
    rareState.restartDelay = delay
    setSuspended(true)
    life.stopBits &= ~ControlWord.childrenEnded
    if settings?.keepsChildren == true { life.stopBits |= ControlWord.childrenEnded } else { closeChildren() }
  }

  /// Called when the behavior of the old incarnation is gone. Puts the stash in front of everything else, so
  /// that the next incarnation handles it first; then restarts at once, or waits for the time of the backoff.
  @usableFromInline func awaitRestart() {
    let rareState = rareState
    incarnationEnds()
    endIncarnationOfSources()
    rareState.front.prepend(&rareState.stash)
    if rareState.hasEnvelopes { hasEnvelopes = true }
    withChildren { $0.reopen() }
    life.phase = .backingOff
    life.stopBits &= ~ControlWord.childrenEnded
    if rareState.restartDelay <= .zero { return restart() }
    let timer = ControlTimer(self, ControlWord.restartDue, after: rareState.restartDelay)
    rareState.restartTimer = timer
    system.scheduler.add(timer)
  }

  /// Starts the next incarnation, since the wait is over.
  func restart() {
    let rareState = rareState
    rareState.restartTimer = nil
    rareState.restarts += 1
    life.incarnation &+= 1
    life.phase = .starting
    setSuspended(false)
    Worker.withCurrent { $0.counts.addRestart() }
    meter?.restarts.wrappingAdd(1, ordering: .relaxed)
    system.report(.restarted(ActorID(self), incarnation: Int(life.incarnation)))
    system.interceptor?.restarts(self)
  }

  /// Cancels what belongs to the incarnation that ends: its timers, and the one that a restart waits for.
  func incarnationEnds() {
    guard let rareState = existingRareState else { return }
    if let timer = rareState.restartTimer {
      system.scheduler.cancel(timer)
      rareState.restartTimer = nil
    }
    cancelTimers()
  }

  /// Says whether senders leave the cell asleep, as they do while it is suspended. Only the cell's own worker calls
  /// this.
  @usableFromInline func setSuspended(_ isSuspended: Bool) {
    // Relaxed is enough: the step in which the worker goes idle, on the same word, comes later.
    if isSuspended {
      _ = mailbox.queue.pointee.tail.bitwiseOr(TailWord.suspended, ordering: .relaxed)
    } else {
      _ = mailbox.queue.pointee.tail.bitwiseAnd(~TailWord.suspended, ordering: .relaxed)
    }
  }
}

/// A timer that posts a bit to the control lane of a cell.
final class ControlTimer: Timer, @unchecked Sendable {
  private let cell: Cell
  private let bit: UInt32

  init(_ cell: Cell, _ bit: UInt32, after delay: Duration) {
    self.cell = cell
    self.bit = bit
    super.init(deadline: cell.system.scheduler.deadline(after: delay))
  }

  override func fire() { cell.post(bit) }
}
