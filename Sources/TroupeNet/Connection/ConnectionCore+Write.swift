internal import CTroupeSockets
import Synchronization
internal import Troupe
internal import TroupeChannels

/// What any thread may ask of a connection: to write, to pause, to close.
extension ConnectionCore {
  /// Notes something for the actor's turn, and sets that going.
  func signal(_ bits: UInt32) {
    // Acquire-release: publishes what was done before. Pairs with the exchange in `nextStep`.
    let before = signals.bitwiseOr(bits | Signals.posted, ordering: .acquiringAndReleasing).oldValue
    signalled(bits, before)
  }

  /// Sets what has to be done going when bits were added to those from before.
  private func signalled(_ bits: UInt32, _ before: UInt32) {
    if before & Signals.lingers != 0 {
      linger(bits)
    } else if before & Signals.posted == 0 {
      lock.withLock { post }?()
    }
  }

  @usableFromInline func becameReady(_ events: UInt32) {
    if events & Signals.writable != 0 && sendsAtOnce { sendOutsideOfTurn() }
    signal(events)
  }

  /// Sends output although the actor's turn may be waiting for something.
  func sendOutsideOfTurn() {
    var woken: [RoomWaiter] = []
    lock.lock()
    if phase == .open && !isTransportClosed {
      canWrite = true
      if outputFailure == 0 { outputFailure = send() }
    }
    if output.count < options.outputMark { swap(&woken, &roomWaiters) }
    lock.unlock()
    for waiter in woken { waiter.parker.signal() }
  }

  func pauseReading() { isPaused.store(true, ordering: .relaxed) }
  func resumeReading() {
    // Relaxed: it is this side that pauses, so a stale value only means that nothing is resumed.
    guard isPaused.load(ordering: .relaxed) else { return }
    if options.frameTimeout != nil || agreementTimeout != nil {
      lastResumed.store(system.scheduler.preciseNow, ordering: .relaxed)
    }
    // Releasing: publishes the time. Pairs with the looks at the timeouts. Everything else is published by the signal.
    if isPaused.exchange(false, ordering: .releasing) { signal(Signals.resume) }
  }
  func close() { signal(Signals.close) }
  func abort() { signal(Signals.abort) }
  func endOutput() { signal(Signals.halfClose) }

  /// Has the connection end when it has finished what is under way. The server calls this again when it is late, which
  /// matters to whoever has taken the draining over.
  func drain(isLate: Bool) {
    // The signal is given under the lock, so that whoever takes the draining over knows of it.
    lock.lock()
    isDrainAsked = true
    if isLate { isDrainLate = true }
    if let drainInstead {
      let isLate = isDrainLate
      lock.unlock()
      return drainInstead(isLate)
    }
    let before = signals.bitwiseOr(Signals.drain | Signals.posted, ordering: .acquiringAndReleasing).oldValue
    lock.unlock()
    signalled(Signals.drain, before)
  }

  /// Called in the actor's turn.
  func takeOverDraining(_ body: @escaping @Sendable (Bool) -> Void) {
    if isDone { return }
    lock.lock()
    drainInstead = body
    let (isAsked, isLate) = (isDrainAsked, isDrainLate)
    if isAsked {
      isDraining = false
      signals.bitwiseAnd(~Signals.drain, ordering: .acquiringAndReleasing)
    }
    lock.unlock()
    if isAsked { body(isLate) }
  }

  var local: Endpoint { lock.withLock { localEndpoint } }
  var applicationProtocol: String? { transport.applicationProtocol }
  var pendingBytes: Int { pendingOutput.load(ordering: .relaxed) }

  /// Locks the output for one frame if fewer bytes wait than its mark. Returns nil if there are more, and why not if it
  /// is closed.
  @usableFromInline func beginDelivery() -> WriteOutcome? {
    lock.lock()
    if !isClosedForOutput && output.count < options.outputMark { return .written }
    defer { lock.unlock() }
    return isClosedForOutput ? .closed : nil
  }

  /// Locks the output for one frame. Returns why not if there is no room, or it is closed.
  @usableFromInline func beginWrite() -> WriteOutcome {
    lock.lock()
    if isClosedForOutput {
      lock.unlock()
      return .closed
    }
    guard output.count >= options.outputLimit else { return .written }
    if options.whenFull == .close { isClosedForOutput = true }
    lock.unlock()
    if options.whenFull == .close { signal(Signals.overflow) }
    return .full
  }

  /// Unlocks the output after a frame was put into it, and has it sent soon.
  @usableFromInline func endWrite() {
    if sendsAtOnce && canWrite && outputFailure == 0 { outputFailure = send() }
    pendingOutput.store(output.count, ordering: .relaxed)
    // What has been sent needs no turn.
    if output.isEmpty && outputFailure == 0 && sendsAtOnce { return lock.unlock() }
    let isFirst = !isFlushSignalled
    isFlushSignalled = true
    lock.unlock()
    if isFirst { signal(Signals.flush) }
  }

  /// Waits until the output is below its mark.
  nonisolated(nonsending) func waitForRoom(until deadline: Int64) async -> WriteOutcome {
    while true {
      let waiter = RoomWaiter()
      let outcome = lock.withLock { () -> WriteOutcome? in
        if isClosedForOutput { return .closed }
        if output.count < options.outputMark { return .written }
        roomWaiters.append(waiter)
        return nil
      }
      if let outcome { return outcome }
      let scheduler = system.scheduler
      let timer = deadline == .max ? nil : ActionTimer(deadline: deadline) { _ in waiter.parker.signal() }
      if let timer { scheduler.add(timer) }
      await waiter.parker.waitUnlessCancelled()
      if let timer { scheduler.cancel(timer) }
      lock.withLock { roomWaiters.removeAll { $0 === waiter } }
      if Task.isCancelled { return .cancelled }
      if deadline != .max && scheduler.preciseNow >= deadline && pendingBytes >= options.outputMark {
        return .timedOut
      }
    }
  }

  func deadline(after timeout: Duration?) -> Int64 { timeout.map { system.scheduler.deadline(after: $0) } ?? .max }

  final class RoomWaiter: Sendable { let parker = Parker() }
}
