import Synchronization

// Sending to bounded and rendezvous channels.
extension ChannelCore where Element: ~Copyable {
  @inlinable func wake(_ push: consuming Push<Element>) -> TrySendOutcome<Element> {
    switch consume push {
    case .done: return .sent
    case .wake:
      consumer.signal()
      return .sent
    case .full(let element): return .full(element)
    case .closed(let element): return .closed(element)
    }
  }

  @inlinable func trySend(_ element: consuming Element) -> TrySendOutcome<Element> {
    if let rendezvous { return wake(trySend(element, rendezvous)) }
    return wake(queue.pushBounded(element))
  }

  @usableFromInline func trySend(_ element: consuming Element, _ rendezvous: Rendezvous<Element>) -> Push<Element> {
    rendezvous.tryArrive(element)
  }

  @usableFromInline func sendPermitted(_ element: consuming Element) -> SendOutcome<Element> {
    switch queue.pushPermitted(element) {
    case .done: return .sent
    case .wake:
      consumer.signal()
      return .sent
    case .closed(let element): return .closed(element)
    case .full(let element): return .closed(element)
    }
  }

  @usableFromInline func releasePermits(_ count: Int) {
    if count == 0 { return }
    if queue.releasePermits(count) { consumer.signal() }
    if queue.consumer.pointee.head.load(ordering: .sequentiallyConsistent) & HeadWord.roomWanted != 0 {
      waiters.grant(queue)
    }
  }

  // MARK: On a thread

  @usableFromInline func sendSlowly(_ element: consuming Element, _ timeout: Duration?)
    -> sending WaitingSendOutcome<Element>
  {
    disconnected(send(element, until: timeout.map { Deadline(after: $0) } ?? .never))
  }

  @usableFromInline
  func send(_ element: consuming Element, until deadline: Deadline) -> WaitingSendOutcome<Element> {
    if let rendezvous { return send(element, rendezvous, until: deadline) }
    // Room often appears within a moment, and sleeping costs as much as thousands of elements. The look is repeated
    // at a patient pace and not for each slot, because each look at the receiver's index takes its cache line away.
    var pending = element
    var backoff = Backoff.patient
    while true {
      switch trySend(pending) {
      case .sent: return .sent
      case .closed(let element): return .closed(element)
      case .full(let element): pending = element
      }
      if backoff.isOver { break }
      backoff.snooze()
    }
    switch reserve(1, until: deadline, call: "send(_:)") {
    case .reserved: break
    case .closed: return .closed(pending)
    case .timedOut: return .timedOut(pending)
    case .cancelled: return .cancelled(pending)
    }
    switch sendPermitted(pending) {
    case .sent: return .sent
    case .closed(let element): return .closed(element)
    }
  }

  @usableFromInline typealias Reserved = SendWaiters.Reserved

  @usableFromInline func reserve(_ count: Int, until deadline: Deadline, call: StaticString) -> Reserved {
    switch waiters.arrive(count, at: queue) {
    case .reserved: return .reserved
    case .closed: return .closed
    case .waiting(let waiter):
      _ = waiter.parker.wait(until: deadline, spinning: false, call: call)
      switch waiters.leave(waiter, queue) {
      case .granted: return .reserved
      case .closed: return .closed
      case .waiting: return .timedOut
      }
    }
  }

  @inlinable @inline(never) func send(
    _ element: consuming Element, _ rendezvous: Rendezvous<Element>, until deadline: Deadline
  ) -> WaitingSendOutcome<Element> {
    switch rendezvous.arrive(element) {
    case .taken: return .sent
    case .closed(let element): return .closed(element)
    case .waiting(let offer):
      _ = offer.parker.wait(until: deadline, call: "send(_:)")
      return rendezvous.leave(offer, isCancelled: false)
    }
  }

  // MARK: In a task

  @usableFromInline
  nonisolated(nonsending)
    func sendSlowly(_ element: consuming Element, _ timeout: Duration?) async -> sending WaitingSendOutcome<Element>
  {
    disconnected(await send(element, until: timeout.map { Deadline(after: $0) } ?? .never))
  }

  @usableFromInline
  nonisolated(nonsending)
    func send(_ element: consuming Element, until deadline: Deadline) async -> WaitingSendOutcome<Element>
  {
    if let rendezvous { return await send(element, rendezvous, until: deadline) }
    var pending = element
    switch trySend(pending) {
    case .sent: return .sent
    case .closed(let element): return .closed(element)
    case .full(let element): pending = element
    }
    // The receiver may be about to run on this very thread, so it gets a turn.
    await TaskYield.yield()
    switch trySend(pending) {
    case .sent: return .sent
    case .closed(let element): return .closed(element)
    case .full(let element): pending = element
    }
    switch await reserve(1, until: deadline) {
    case .reserved: break
    case .closed: return .closed(pending)
    case .timedOut: return .timedOut(pending)
    case .cancelled: return .cancelled(pending)
    }
    switch sendPermitted(pending) {
    case .sent: return .sent
    case .closed(let element): return .closed(element)
    }
  }

  @usableFromInline
  nonisolated(nonsending)
    func reserve(_ count: Int, until deadline: Deadline) async -> Reserved
  {
    await waiters.reserve(count, at: queue, until: deadline)
  }

  private nonisolated(nonsending)
    func send(
      _ element: consuming Element, _ rendezvous: Rendezvous<Element>, until deadline: Deadline
    ) async -> WaitingSendOutcome<Element>
  {
    switch rendezvous.arrive(element) {
    case .taken: return .sent
    case .closed(let element): return .closed(element)
    case .waiting(let offer):
      let alarm = Alarm(deadline) { offer.parker.signal() }
      await offer.parker.waitUnlessCancelled()
      alarm?.cancel()
      return rendezvous.leave(offer, isCancelled: Task.isCancelled)
    }
  }
}
