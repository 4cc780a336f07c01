internal import CTroupeSockets
import Synchronization
internal import Troupe
internal import TroupeChannels

/// The timeouts of a connection, for which it has one timer.
extension ConnectionCore {
  /// When the connection is closed unless something is sent or received.
  var idleDeadline: Int64 {
    options.idleTimeout.map { lastActivity.load(ordering: .relaxed).saturatingAdd($0.nanosecondsClamped) } ?? .max
  }

  func noteActivity() {
    if options.idleTimeout != nil { lastActivity.store(system.scheduler.coarseNow, ordering: .relaxed) }
  }

  /// Sets the timer for the earliest of the deadlines.
  func armTimer() {
    var deadline = connectDeadline
    if phase == .open { deadline = min(deadline, idleDeadline) }
    deadline = min(deadline, frameDeadline)
    if deadline != .max { setTimer(at: deadline) }
  }

  /// Has the timer fire at a deadline, or at an earlier one that it has already.
  func setTimer(at deadline: Int64) {
    let new = ActionTimer(deadline: deadline) { [weak self] timer in self?.timerFired(timer) }
    lock.lock()
    if isTransportClosed || (timer.map { $0.deadline <= deadline } ?? false) { return lock.unlock() }
    let old = timer
    timer = new
    lock.unlock()
    if let old { system.scheduler.cancel(old) }
    system.scheduler.add(new)
  }

  func timerFired(_ fired: ActionTimer) {
    lock.withLock { if timer === fired { timer = nil } }
    signal(Signals.timer)
  }

  func lookAtTimeouts() {
    let now = system.scheduler.preciseNow
    if now >= connectDeadline {
      if phase == .connecting { return closeNow(.failed(NetworkError(.connect, peer, reason: "no answer in time"))) }
      if phase == .open { agreementIsLate(now) }
      if isDone { return }
    }
    guard phase == .open else { return armTimer() }
    if now >= idleDeadline {
      // The peer gets what has been written, if it takes it.
      if end == nil { end = .idle }
      return
    }
    // Acquiring: pairs with the exchange in `resumeReading`, so that its time is seen if reading is not paused.
    let isHeld = isCongested || isPaused.load(ordering: .acquiring)
    if isFrameLate(now) {
      if isHeld {
        // It is this side that does not read.
        frameBegan = now
      } else if !canRead && !isInputFresh {
        return decodingFailed(FrameTimeout())
      }
      // Otherwise the rest of the frame may have come. The timer fires again if it has not.
    }
    armTimer()
  }

  /// The client of a server has had its time to agree on TLS.
  private func agreementIsLate(_ now: Int64) {
    guard transport.isAgreeing, let limit = agreementTimeout?.nanosecondsClamped else {
      connectDeadline = .max
      return
    }
    // Acquiring: pairs with the exchange in `resumeReading`, so that its time is seen if reading is not paused.
    let isHeld = isPaused.load(ordering: .acquiring)
    let deadline = lastResumed.load(ordering: .relaxed).saturatingAdd(limit)
    if isHeld {
      // It is this side that does not read.
      connectDeadline = now.saturatingAdd(limit)
    } else if now < deadline {
      connectDeadline = deadline
    } else if isCongested ? lock.withLock({ canWrite }) : canRead {
      // What the client has sent has not been looked at, because the actor was busy. This turn does so, and the timer
      // comes again.
      connectDeadline = now
    } else {
      closeNow(.failed(NetworkError(.secure, peer, reason: "no handshake of TLS in time")))
    }
  }

  /// How long the client of a server may take to agree on TLS.
  var agreementTimeout: Duration? {
    #if TLS
      options.tls?.handshakeTimeout
    #else
      nil
    #endif
  }

  /// When the frame that has begun is late. The time begins anew when reading is resumed.
  private var frameDeadline: Int64 {
    guard frameBegan != 0, let limit = options.frameTimeout else { return .max }
    return max(frameBegan, lastResumed.load(ordering: .relaxed)).saturatingAdd(limit.nanosecondsClamped)
  }

  func isFrameLate(_ now: Int64) -> Bool { now >= frameDeadline }
}
