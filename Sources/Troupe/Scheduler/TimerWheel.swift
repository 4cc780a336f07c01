import Synchronization

/// One deadline. Whoever made it must keep what `fire` touches until it has fired or was cancelled.
@usableFromInline package class Timer: @unchecked Sendable {
  enum State { case idle, queued, firing, done }

  /// Nanoseconds of the scheduler's clock.
  @usableFromInline let deadline: Int64
  // Touched under the lock of the wheel.
  fileprivate var state = State.idle
  fileprivate var slot = 0
  fileprivate var next: Timer?
  fileprivate unowned(unsafe) var previous: Timer?

  @usableFromInline init(deadline: Int64) { self.deadline = deadline }

  /// Called once at most, on a thread that must not be held up.
  func fire() {}
}

/// All timers of a system: a hashed wheel (Varghese and Lauck, 1987), so that setting and cancelling one is O(1).
/// A timer never fires early, and at most a slot and a tick of the kernel late.
final class TimerWheel: @unchecked Sendable {
  private static let slotCount = 512
  private static let slotNanoseconds: Int64 = 8_000_000
  private let lock = FutexLock()
  private var slots = [Timer?](repeating: nil, count: slotCount)
  private var count = 0
  /// When the clock will call `advance` next.
  private var armed = Int64.max
  /// Everything that was due up to here has fired.
  private var position: Int64 = 0
  /// Makes the clock call `advance` at a time.
  var arm: (Int64) -> Void = { _ in }

  private func slot(_ time: Int64) -> Int { Int((time / Self.slotNanoseconds) % Int64(Self.slotCount)) }

  func add(_ timer: Timer) {
    lock.lock()
    // A deadline that has passed belongs to the slot that is looked at next.
    let slot = slot(max(timer.deadline, position))
    timer.slot = slot
    timer.state = .queued
    timer.next = slots[slot]
    timer.next?.previous = timer
    slots[slot] = timer
    count += 1
    let needsArming = timer.deadline < armed
    if needsArming { armed = timer.deadline }
    lock.unlock()
    if needsArming { arm(timer.deadline) }
  }

  func cancel(_ timer: Timer) {
    lock.lock()
    if timer.state == .queued {
      unlink(timer)
      timer.state = .done
    }
    let isFiring = timer.state == .firing
    lock.unlock()
    guard isFiring else { return }
    // It is a few steps from its end.
    var backoff = Backoff()
    while lock.withLock({ timer.state == .firing }) { backoff.snooze() }
  }

  private func unlink(_ timer: Timer) {
    let next = timer.next
    next?.previous = timer.previous
    if let previous = timer.previous { previous.next = next } else { slots[timer.slot] = next }
    timer.next = nil
    timer.previous = nil
    count -= 1
  }

  /// The clock calls for what was armed. If something earlier has been armed since, that one's call will do it all, and go on:
  /// there is one chain of calls, however many timers come.
  func advance(to now: Int64, armedFor deadline: Int64) {
    var due: [Timer] = []
    lock.lock()
    if deadline != armed {
      lock.unlock()
      return
    }
    if position == 0 || now - position >= Self.slotNanoseconds * Int64(Self.slotCount) {
      for slot in slots.indices { collect(slot, now, &due) }
    } else {
      var time = position
      while slot(time) != slot(now) {
        collect(slot(time), now, &due)
        time += Self.slotNanoseconds
      }
      collect(slot(now), now, &due)
    }
    position = now
    let next = nextDeadline(after: now)
    armed = next
    lock.unlock()
    if next != .max { arm(next) }
    for timer in due {
      timer.fire()
      lock.withLock { timer.state = .done }
    }
  }

  private func collect(_ slot: Int, _ now: Int64, _ due: inout [Timer]) {
    var each = slots[slot]
    while let timer = each {
      each = timer.next
      if timer.deadline <= now {
        unlink(timer)
        timer.state = .firing
        due.append(timer)
      }
    }
  }

  /// The earliest deadline of the first slot that has one; at most one turn of the wheel away.
  private func nextDeadline(after now: Int64) -> Int64 {
    if count == 0 { return .max }
    for i in 0..<Self.slotCount {
      let slot = (slot(now) + i) % Self.slotCount
      var each = slots[slot]
      var earliest = Int64.max
      while let timer = each {
        if timer.deadline < earliest { earliest = timer.deadline }
        each = timer.next
      }
      let end = now + Int64(i + 1) * Self.slotNanoseconds
      if earliest <= end { return earliest }
    }
    return now + Int64(Self.slotCount) * Self.slotNanoseconds
  }
}
