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
    if frameBegan != 0, let limit = options.frameTimeout {
      deadline = min(deadline, frameBegan.saturatingAdd(limit.nanosecondsClamped))
    }
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
    }
    guard phase == .open else { return armTimer() }
    if now >= idleDeadline {
      // The peer gets what has been written, if it takes it.
      if end == nil { end = .idle }
      return
    }
    if isFrameLate(now) {
      if isCongested || isPaused.load(ordering: .relaxed) {
        // It is this side that does not read.
        frameBegan = now
      } else if !canRead && !isInputFresh {
        return decodingFailed(FrameTimeout())
      }
      // Otherwise the rest of the frame may have come. The timer fires again if it has not.
    }
    armTimer()
  }

  func isFrameLate(_ now: Int64) -> Bool {
    guard frameBegan != 0, let limit = options.frameTimeout else { return false }
    return now >= frameBegan.saturatingAdd(limit.nanosecondsClamped)
  }
}
