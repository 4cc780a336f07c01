import Synchronization

extension ChannelCore where Element: ~Copyable {
  /// The slow half of every receive that waits on a thread.
  @usableFromInline func receive(until deadline: Deadline) -> TimedReceiveOutcome<Element> {
    if let rendezvous { return receive(rendezvous, until: deadline) }
    var backoff = Backoff()
    while true {
      if let element = take() { return .received(element) }
      // It does not look at the tail word yet, which the next sender writes: a receiver that reads it after each
      // element takes the cache line away each time, and the two go on in step, at the pace of the transfers.
      if backoff.isEarly {
        backoff.snooze()
        continue
      }
      switch queue.emptiness() {
      case .finished: return .closed
      case .hole:
        backoff.snooze()
        continue
      case .empty: break
      }
      if deadline.remaining == 0 { return .timedOut }
      if !backoff.isOver {
        backoff.snooze()
        continue
      }
      consumer.reset()
      guard queue.idle() == .idle else { continue }
      _ = consumer.wait(until: deadline, spinning: false, call: "receive()")
      // A wake is only a hint. A signal from an earlier wait leaves the bit set, and so does a deadline.
      _ = queue.unidle()
      backoff = Backoff()
    }
  }

  @inlinable func receive(_ rendezvous: Rendezvous<Element>, until deadline: Deadline) -> TimedReceiveOutcome<Element> {
    while true {
      rendezvous.receiver.reset()
      switch rendezvous.poll(arm: true) {
      case .element(let element): return .received(element)
      case .closed: return .closed
      case .empty: break
      }
      if !rendezvous.receiver.wait(until: deadline, call: "receive()") {
        if let element = rendezvous.disarm() { return .received(element) }
        return .timedOut
      }
    }
  }

  /// The slow half of every receive that waits in a task.
  @inlinable
  nonisolated(nonsending)
    func receive(until deadline: Deadline) async -> TimedReceiveOutcome<Element>
  {
    if let rendezvous { return await receive(rendezvous, until: deadline) }
    var turns = 0
    while true {
      if let element = take() { return .received(element) }
      switch queue.emptiness() {
      case .finished: return .closed
      case .hole:
        await TaskYield.yield()
        continue
      case .empty: break
      }
      if !deadline.isNever && deadline.remaining == 0 { return Task.isCancelled ? .cancelled : .timedOut }
      // Waiting one turn for a sender that is about to run on this thread costs less than being woken by it, which
      // takes several turns.
      if turns < 2 {
        turns += 1
        if TaskYield.isOnWorker {
          await TaskYield.point.enter()
        } else {
          await Task.yield()
        }
        continue
      }
      // This is not asked earlier, because the look counts a reference to the task, twice.
      if Task.isCancelled { return .cancelled }
      consumer.reset()
      if queue.idle() == .idle { await park(until: deadline) }
    }
  }

  /// Waits, after *idle*, until a sender wakes the receiver, the deadline passes, or the task is cancelled.
  @usableFromInline nonisolated(nonsending) func park(until deadline: Deadline) async {
    let alarm = Alarm(deadline) { self.consumer.signal() }
    await consumer.waitUnlessCancelled()
    alarm?.cancel()
    _ = queue.unidle()
  }

  @usableFromInline
  nonisolated(nonsending)
    func receive(_ rendezvous: Rendezvous<Element>, until deadline: Deadline) async -> TimedReceiveOutcome<Element>
  {
    while true {
      rendezvous.receiver.reset()
      switch rendezvous.poll(arm: true) {
      case .element(let element):
        if rendezvous.isTurnOver() { await TaskYield.yield() }
        return .received(element)
      case .closed: return .closed
      case .empty: break
      }
      let isOver = deadline.remaining == 0
      if !isOver && !Task.isCancelled {
        let alarm = Alarm(deadline) { rendezvous.receiver.signal() }
        await rendezvous.receiver.waitUnlessCancelled()
        alarm?.cancel()
        continue
      }
      if let element = rendezvous.disarm() { return .received(element) }
      return isOver ? .timedOut : .cancelled
    }
  }

  /// Takes an element that is there, and hands out the room that it leaves.
  @inlinable func take() -> Element? {
    let element = queue.take()
    if queue.consumer.pointee.roomWanted { handOutRoom() }
    return element
  }

  @usableFromInline func handOutRoom() {
    queue.consumer.pointee.roomWanted = false
    waiters.grant(queue)
  }

  /// Takes an element if there is one. It never waits for a sender to come, but it does wait for one that has
  /// reserved its slot, because "empty" would not be true.
  @usableFromInline func tryReceive() -> TryReceiveOutcome<Element> {
    if let rendezvous {
      switch rendezvous.poll(arm: false) {
      case .element(let element): return .received(element)
      case .empty: return .empty
      case .closed: return .closed
      }
    }
    var backoff = Backoff()
    while true {
      if let element = take() { return .received(element) }
      switch queue.emptiness() {
      case .empty: return .empty
      case .finished: return .closed
      case .hole: backoff.snooze()
      }
    }
  }
}

/// Signals at a deadline, unless it is cancelled first. It is a task of its own, so that only timed waits that really
/// suspend pay for it.
struct Alarm {
  private let task: Task<Void, Never>

  init?(_ deadline: Deadline, signal: @escaping @Sendable () -> Void) {
    if deadline.isNever { return nil }
    task = Task.detached {
      // If the deadline is more than a year away, whoever is woken checks it again.
      let nanoseconds = min(deadline.remaining, 31_536_000_000_000_000)
      try? await Task.sleep(for: .nanoseconds(nanoseconds), tolerance: .zero)
      if !Task.isCancelled { signal() }
    }
  }

  func cancel() { task.cancel() }

  /// Cancels the alarm, and waits until its signal has been given or never will be.
  func stop() async {
    task.cancel()
    await task.value
  }
}
