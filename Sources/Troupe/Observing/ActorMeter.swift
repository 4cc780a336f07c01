import Synchronization

/// Those figures of an actor that are rarely touched. It is made with the first of them; any thread may add and read.
final class ActorMeter: Sendable {
  let failed = Atomic<Int>(0)
  let failures = Atomic<Int>(0)
  let restarts = Atomic<Int>(0)
  /// The time in turns so far. Only the actor's worker writes it.
  let nanoseconds = Atomic<Int64>(0)
  /// When the turn that is under way began, or 0. Only the actor's worker touches it.
  let turnStart = Atomic<Int64>(0)
  private let letters = DeadLetterCounts()

  func add(_ reason: DeadLetter.Reason) { letters.add(reason, 1) }

  var deadLetters: [DeadLetter.Reason: Int] {
    var counts: [DeadLetter.Reason: Int] = [:]
    for reason in DeadLetter.Reason.allCases {
      let count = letters.count(reason)
      if count > 0 { counts[reason] = count }
    }
    return counts
  }
}

extension Cell {
  /// The actor's meter, which is made if there is none. It is nil once the actor has ended.
  var meter: ActorMeter? {
    lock.withLock {
      if hasEnded { return nil }
      let listeners = listeners()
      let meter = listeners.meter ?? ActorMeter()
      listeners.meter = meter
      return meter
    }
  }

  var existingMeter: ActorMeter? { lock.withLock { endListeners?.meter } }

  // MARK: Time in handlers

  /// Prepares the measurement of time in handlers. It is called at spawn, if the system measures that.
  func measureTime() {
    rareState.timeMeter = meter
    notesTurns = true
  }

  func timeTurnBegins() {
    guard let timeMeter = existingRareState?.timeMeter else { return }
    timeMeter.turnStart.store(system.scheduler.preciseNow, ordering: .relaxed)
  }

  func timeTurnEnds() {
    guard let timeMeter = existingRareState?.timeMeter else { return }
    let start = timeMeter.turnStart.load(ordering: .relaxed)
    if start == 0 { return }
    timeMeter.turnStart.store(0, ordering: .relaxed)
    let time = system.scheduler.preciseNow - start
    timeMeter.nanoseconds.store(timeMeter.nanoseconds.load(ordering: .relaxed) + time, ordering: .relaxed)
  }
}
