import Synchronization

/// Somebody who waits for room in a bounded channel.
final class SendWaiter: @unchecked Sendable {
  enum State { case waiting, granted, closed }

  let parker = Parker()
  let count: Int
  // The state and the links are touched under the lock of `SendWaiters`.
  fileprivate(set) var state = State.waiting
  fileprivate var next: SendWaiter?
  fileprivate unowned(unsafe) var previous: SendWaiter?

  init(count: Int) { self.count = count }
}

/// The line of those who wait for room, served first come, first served.
///
/// Sendable because its list is touched under its lock alone.
@usableFromInline package final class SendWaiters: @unchecked Sendable {
  private let lock = FutexLock()
  private var first: SendWaiter?
  private unowned(unsafe) var last: SendWaiter?

  @usableFromInline package init() {}

  enum Arrival {
    case reserved
    case closed
    case waiting(SendWaiter)
  }

  /// Takes `count` permits at once, or else a place in the line.
  func arrive<Element: ~Copyable>(_ count: Int, at queue: MessageQueue<Element>) -> Arrival {
    lock.withLock {
      // The bit is set first, then the queue is looked at: a take after the bit sees it, and a take before it
      // is seen by the look. Pairs with the acquire-release add in `MessageQueue.takeReady`; sequentially
      // consistent for the look at the tail, as `MessageQueue.reserve` explains.
      _ = queue.consumer.pointee.head.bitwiseOr(HeadWord.roomWanted, ordering: .sequentiallyConsistent)
      // Senders that trust the cached head must look at the real one, and find the bit.
      queue.forgetCachedRoom()
      if first == nil {
        switch queue.reserve(count, fair: false) {
        case .reserved:
          clearWanted(queue)
          return .reserved
        case .closed:
          clearWanted(queue)
          return .closed
        case .full: break
        }
      }
      let waiter = SendWaiter(count: count)
      waiter.previous = last
      if let last { last.next = waiter } else { first = waiter }
      last = waiter
      return .waiting(waiter)
    }
  }

  @usableFromInline package enum Reserved { case reserved, closed, timedOut, cancelled }

  /// Takes `count` permits, suspending the task in line until there is room for them.
  nonisolated(nonsending) package func reserve<Element: ~Copyable>(
    _ count: Int, at queue: MessageQueue<Element>, until deadline: Deadline
  ) async -> Reserved {
    switch arrive(count, at: queue) {
    case .reserved: return .reserved
    case .closed: return .closed
    case .waiting(let waiter):
      let alarm = Alarm(deadline) { waiter.parker.signal() }
      await waiter.parker.waitUnlessCancelled()
      alarm?.cancel()
      switch leave(waiter, queue) {
      case .granted: return .reserved
      case .closed: return .closed
      case .waiting: return Task.isCancelled ? .cancelled : .timedOut
      }
    }
  }

  /// Hands room that has appeared to the first in line, and to those behind it as far as it goes.
  package func grant<Element: ~Copyable>(_ queue: MessageQueue<Element>) {
    var granted: SendWaiter?
    lock.lock()
    var lastGranted: SendWaiter?
    while let waiter = first, queue.reserve(waiter.count, fair: false) == .reserved {
      remove(waiter)
      waiter.state = .granted
      if let lastGranted { lastGranted.next = waiter } else { granted = waiter }
      lastGranted = waiter
    }
    if first == nil { clearWanted(queue) }
    lock.unlock()
    signalAll(granted)
  }

  /// Leaves the line. The returned state tells whether the waiter was served before it could leave.
  func leave<Element: ~Copyable>(_ waiter: SendWaiter, _ queue: MessageQueue<Element>) -> SendWaiter.State {
    let (state, wasFirst) = lock.withLock {
      let wasFirst = first === waiter
      if waiter.state == .waiting { remove(waiter) }
      if first == nil { clearWanted(queue) }
      return (waiter.state, wasFirst)
    }
    // The next one in line may want less, and so be served now.
    if state == .waiting && wasFirst { grant(queue) }
    return state
  }

  func state(of waiter: SendWaiter) -> SendWaiter.State { lock.withLock { waiter.state } }

  /// How many wait, as of a moment ago. This is O(n).
  package var count: Int {
    lock.withLock {
      var (count, each) = (0, first)
      while let waiter = each { (count, each) = (count + 1, waiter.next) }
      return count
    }
  }

  /// Sends everybody in the line away. *closed* was set in the tail word before: whoever comes after this finds the
  /// line empty, so looks at that word in `reserve`, and is refused. The line therefore needs no flag of its own.
  package func closeAll() {
    lock.lock()
    let closed = first
    var each = first
    while let waiter = each {
      waiter.state = .closed
      each = waiter.next
    }
    first = nil
    last = nil
    lock.unlock()
    signalAll(closed)
  }

  private func remove(_ waiter: SendWaiter) {
    let next = waiter.next
    if let previous = waiter.previous { previous.next = next } else { first = next }
    if let next { next.previous = waiter.previous } else { last = waiter.previous }
    waiter.next = nil
    waiter.previous = nil
  }

  private func clearWanted<Element: ~Copyable>(_ queue: MessageQueue<Element>) {
    _ = queue.consumer.pointee.head.bitwiseAnd(~HeadWord.roomWanted, ordering: .acquiringAndReleasing)
  }

  /// Wakes the waiters of a chain. This happens outside the lock, because a signal may run foreign code. It is a loop
  /// that clears the links first, so that no long chain of waiters is freed recursively.
  private func signalAll(_ chain: SendWaiter?) {
    var each = chain
    while let waiter = each {
      each = waiter.next
      waiter.next = nil
      waiter.previous = nil
      waiter.parker.signal()
    }
  }
}
