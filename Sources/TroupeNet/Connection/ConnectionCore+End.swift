internal import CTroupeSockets
import Synchronization
internal import Troupe
internal import TroupeChannels

/// How a connection ends: at once, or by lingering until what is left is done.
extension ConnectionCore {
  /// Closes the socket at once.
  func closeNow(_ end: ConnectionEnd) {
    self.end = end
    isDone = true
    input.clear()
    let isAbort =
      switch end {
      case .aborted, .outputOverflow: true
      default: false
      }
    lock.lock()
    phase = .closed
    let rest = closeTransport(abort: isAbort)
    lock.unlock()
    rest.finish(self)
  }

  /// What has to be done after the lock is released.
  struct Rest {
    var timer: ActionTimer?
    var waiters: [RoomWaiter] = []
    /// It may refer to the actor, which must not go under the lock.
    var drainInstead: (@Sendable (Bool) -> Void)?
    var isFirst = false

    func finish(_ core: ConnectionCore) {
      if let timer { core.system.scheduler.cancel(timer) }
      for waiter in waiters { waiter.parker.signal() }
      if isFirst { core.whenClosed(core) }
    }
  }

  /// Closes the socket. Under the lock.
  func closeTransport(abort: Bool) -> Rest {
    var rest = Rest()
    isClosedForOutput = true
    if !isTransportClosed {
      isTransportClosed = true
      transport.close(abort: abort)
      rest.isFirst = true
    }
    output = OutputBuffer()
    pendingOutput.store(0, ordering: .relaxed)
    swap(&rest.waiters, &roomWaiters)
    swap(&rest.timer, &timer)
    swap(&rest.drainInstead, &drainInstead)
    post = nil
    return rest
  }

  /// Takes the connection away from the actor: what is left to do is done by whoever hears of something.
  func beginLingering(_ end: ConnectionEnd) {
    self.end = end
    isDone = true
    input.clear()
    var woken: [RoomWaiter] = []
    lock.lock()
    phase = .lingering
    lingerDeadline = system.scheduler.deadline(after: options.closeTimeout)
    isClosedForOutput = true
    swap(&woken, &roomWaiters)
    let old = timer.take()
    let drainInstead = drainInstead.take()
    lock.unlock()
    withExtendedLifetime(drainInstead) {}
    for waiter in woken { waiter.parker.signal() }
    if let old { system.scheduler.cancel(old) }
    let before = signals.bitwiseOr(Signals.lingers | Signals.posted, ordering: .acquiringAndReleasing).oldValue
    linger(before)
    setTimer(at: lingerDeadline)
  }

  /// Does what is left to do and can be done now. Any thread may call this when the connection lingers.
  func linger(_ bits: UInt32) {
    lock.lock()
    guard phase == .lingering, !isTransportClosed else { return lock.unlock() }
    if bits & (Signals.readable | Signals.ended) != 0 { canRead = true }
    if bits & Signals.writable != 0 { canWrite = true }
    var isOver = bits & (Signals.abort | Signals.overflow) != 0
    // The timer of an earlier deadline may have fired just before.
    if bits & Signals.timer != 0 && system.scheduler.preciseNow >= lingerDeadline { isOver = true }
    let isAbort = isOver
    if !isOver && canWrite && send() != 0 { isOver = true }
    // Also while output waits: a peer that sends everything before it reads would wait for ever.
    if !isOver && !input.isAtEnd && canRead { throwInputAway() }
    if !isOver && output.isEmpty {
      if !hasEndedOutput {
        hasEndedOutput = true
        transport.endOutput()
      }
      isOver = input.isAtEnd && !transport.hasUnsent
      // Without an agreement on TLS nothing is under way, and the peer cannot be told of the end. Only if the server
      // does not stop, there is time to wait for the agreement.
      if isDrainAsked && transport.isAgreeing { isOver = true }
    }
    if !isOver {
      if Poller.isTold { transport.want((canRead ? 0 : Signals.readable) | (canWrite ? 0 : Signals.writable)) }
      let hasMore = canRead && !input.isAtEnd
      lock.unlock()
      if hasMore { goOnLingering() }
      return
    }
    phase = .closed
    let rest = closeTransport(abort: isAbort)
    lock.unlock()
    rest.finish(self)
  }

  /// Has the rest of the input thrown away when others have had their turn: nothing else would tell of it.
  func goOnLingering() {
    system.scheduler.add(
      ActionTimer(deadline: system.scheduler.preciseNow) { [weak self] _ in self?.signal(Signals.readable) })
  }

  /// Reads what the peer still sends, up to its end. Under the lock.
  func throwInputAway() {
    let block = BlockPool.take()
    defer { BlockPool.give(block) }
    // Only so much at once: a peer that never ends must not keep this thread.
    for _ in 0..<Self.readLimit {
      let count = transport.read(UnsafeMutableRawBufferPointer(start: block, count: BlockPool.size))
      if count > 0 || count == SystemError.interrupted { continue }
      if count == SystemError.wouldBlock { canRead = false } else { input.isAtEnd = true }
      return
    }
  }

  @usableFromInline func actorEnded() {
    isEndTold = true
    if isDone { return }
    if phase == .connecting { closeNow(.byUs) } else { beginLingering(end ?? .byUs) }
  }

  @usableFromInline func incarnationEnded() -> Bool {
    if isActorsOwn && !isDone { return true }
    actorEnded()
    return false
  }
}
