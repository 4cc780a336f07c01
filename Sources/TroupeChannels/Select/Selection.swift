internal import CTroupeShims

/// The operations that `Channel.select` waits for. The closure that is passed to `select` gets one, and names the
/// operations by calling its methods.
///
/// The closure is called several times during one `select`: to look which operations are ready, to wait at each of
/// them, to stop waiting, and to complete the one that was chosen. So it must do nothing but call these methods, each
/// time the same ones in the same order, and it may be called once more when all is done. What to do when an operation
/// was chosen belongs into that operation's own closure, which is called once, and only for the operation that was
/// chosen. A loop over several channels is fine.
///
/// A selection cannot be copied or kept, and only the thread or task that selects uses it.
public struct Selection<Outcome: ~Copyable>: ~Copyable {
  /// What the closure is called for.
  @usableFromInline enum Pass {
    /// Completes the operation at the place `chosen`, which was drawn before, if that is ready.
    case attempt
    case complete
    /// The operation was completed in this pass. The rest of the pass does nothing.
    case done
    /// Gives back room that was given to another operation than the chosen one.
    case release
    case look, register, withdraw
    /// Tells the first receiver how many operations there are.
    case widen
  }

  @usableFromInline var pass: Pass
  /// The place of the operation that was named last in this pass, from 0.
  @usableFromInline var place = -1
  /// The place of the operation that is to be completed, or -1. An attempt begins with 0, so that the first operation
  /// chooses the place.
  @usableFromInline var chosen: Int
  /// How many places an attempt has chosen from, 0 if it could not choose, or -1 if nothing is known.
  @usableFromInline var width = -1
  /// The place of an operation that is to be completed if no other is ready, or -1.
  @usableFromInline var fallback = -1
  /// Which of the first 64 operations were ready in this look, a bit for each.
  @usableFromInline var ready: UInt64 = 0
  /// How many of the later operations were ready, and one of them, or -1.
  @usableFromInline var laterCount = 0
  @usableFromInline var laterChosen = -1
  /// Whether the first operation that is ready is chosen, rather than any of them.
  @usableFromInline let isInOrder: Bool
  /// Whether an operation was not ready because a sender has reserved a slot and not written it yet.
  @usableFromInline var sawHole = false
  /// Whether the receive that was completed has ended the turn of the task.
  @usableFromInline var isTurnOver = false
  /// What the closure of the chosen operation has returned.
  @usableFromInline var outcome: Outcome?
  /// How many operations there are, or -1 before the first pass is over.
  @usableFromInline var count = -1
  /// Whether this is a later look than the first one.
  var isLookAgain = false
  /// Whether an operation was ready when it was to wait.
  var isAborted = false
  /// Nil until the selection waits.
  @usableFromInline var waiter: SelectWaiter?

  @inlinable init(isInOrder: Bool) {
    self.isInOrder = isInOrder
    pass = isInOrder ? .look : .attempt
    chosen = isInOrder ? -1 : 0
  }

  /// Completes an operation that is ready, and says whether it could.
  ///
  /// It attempts one that it draws among all, ready or not, and only if that one is not ready does it look at the
  /// others. So of k that are ready among n each is chosen with the probability 1/n + (n-k)/n * 1/k, which is 1/k, and
  /// a selection with many that are ready need not look at all of them.
  ///
  /// To draw, it must know how many there are, which the first receiver remembers from earlier selections. If that
  /// number is too large, an attempt that draws a place beyond the last operation fails. If it is too small, this one
  /// selection prefers the operations before that place, and the next knows better.
  @inlinable mutating func begin(_ operations: (inout Selection) -> Void) -> Bool {
    // There is one call, so that the compiler inlines the closure once.
    while true {
      operations(&self)
      switch pass {
      case .done:
        if place >= width && width >= 0 { widen(operations) }
        return true
      case .attempt:
        checkCount()
        if ready != 0 || laterCount != 0 { (pass, place) = (.complete, -1) } else { startLook() }
      case .look:
        checkCount()
        // Before anything is chosen, so that the closure is not called after the body of the operation that was.
        if width >= 0 && place >= width {
          widen(operations)
          checkCount()
          pass = .look
        }
        choose()
        if chosen < 0 { return false }
        (pass, place) = (.complete, -1)
      default: return false
      }
    }
  }

  @inlinable mutating func startLook() {
    (pass, place, chosen, fallback, ready, laterCount, sawHole) = (.look, -1, -1, -1, 0, 0, false)
  }

  /// Whether a receive at another place than `chosen` has nothing to do in this pass.
  @inlinable var isForChosenAlone: Bool {
    switch pass {
    case .attempt, .complete, .done, .release: true
    case .look, .register, .withdraw, .widen: false
    }
  }

  /// Whether this is an attempt for which no place has been drawn. The first operation draws it, if it is a receive at
  /// a channel; otherwise the attempt becomes a look.
  @inlinable var isFirstAttempt: Bool { pass == .attempt && width < 0 }

  /// Draws the place that is attempted, one of so many, if that is known.
  @inlinable mutating func aim(width known: UInt8) {
    // The largest number stands for any that is larger, too.
    width = known == .max ? .max : Int(known)
    if known != 0 && known != .max { chosen = Chance.number(below: width) } else { startLookHere() }
  }

  /// Notes that the operation that was named last is completed.
  @inlinable mutating func finish(_ result: consuming Outcome) {
    pass = .done
    outcome = .some(consume result)
  }

  /// Looks at all operations, in the same pass in which the first one would have been attempted.
  @inlinable mutating func startLookHere() {
    (pass, chosen) = (.look, -1)
  }

  /// Calls the closure for the first receiver to remember how many operations there are.
  @usableFromInline mutating func widen(_ operations: (inout Selection) -> Void) {
    width = place + 1
    (pass, place) = (.widen, -1)
    operations(&self)
  }

  /// Calls the closure for a look, and says whether an operation is to be completed.
  @inlinable mutating func look(_ operations: (inout Selection) -> Void) -> Bool {
    startLook()
    operations(&self)
    checkCount()
    choose()
    return chosen >= 0
  }

  /// An operation is ready.
  @inlinable mutating func found() {
    if place < 64 { ready |= 1 &<< UInt64(truncatingIfNeeded: place) } else { foundLater() }
  }

  @usableFromInline mutating func foundLater() {
    laterCount += 1
    // Of n that are ready, the last takes the place with the probability 1/n, and so on down to the first.
    if laterCount == 1 || !isInOrder && Chance.number(below: laterCount) == 0 { laterChosen = place }
  }

  /// Chooses one of those that are ready.
  @inlinable mutating func choose() {
    if ready & (ready &- 1) == 0 && laterCount == 0 {
      // At most one is ready, which is the usual case.
      chosen = ready != 0 ? ready.trailingZeroBitCount : sawHole ? -1 : fallback
    } else {
      chooseOfMany()
    }
  }

  @inlinable @inline(never) mutating func chooseOfMany() {
    if isInOrder {
      chosen = ready != 0 ? ready.trailingZeroBitCount : laterChosen
      return
    }
    let early = ready.nonzeroBitCount
    let number = Chance.number(below: early + laterCount)
    if number >= early {
      chosen = laterChosen
    } else {
      var rest = ready
      for _ in 0..<number { rest &= rest &- 1 }
      chosen = rest.trailingZeroBitCount
    }
  }

  /// Calls the closure to complete the operation that was chosen. Says whether it could be completed.
  @inlinable mutating func complete(_ operations: (inout Selection) -> Void) -> Bool {
    if waiter != nil { releaseOthers(operations) }
    (pass, place) = (.complete, -1)
    operations(&self)
    return !outcome.isNone
  }

  /// Stops the program if the closure has not named as many operations as in the first pass.
  @inlinable mutating func checkCount() {
    if count < 0 { count = place } else if count != place { stopForCount() }
  }

  @usableFromInline func stopForCount() {
    fatalError(
      "Troupe: the closure of Channel.select(inOrder:_:) named \(count + 1) operations at first and then "
        + "\(place + 1). It must name the same ones each time, because it is called several times during one select.")
  }

  // MARK: Waiting

  /// Gives back the room that operations hold which were not chosen.
  @usableFromInline mutating func releaseOthers(_ operations: (inout Selection) -> Void) {
    guard let waiter, !waiter.standings.isEmpty else { return }
    (pass, place) = (.release, -1)
    operations(&self)
  }

  /// Calls the closure so that each operation waits. Afterwards `isAborted` says whether one of them was ready.
  mutating func register(_ operations: (inout Selection) -> Void) -> SelectWaiter {
    let waiter = self.waiter ?? SelectWaiter()
    self.waiter = waiter
    waiter.parker.reset()
    waiter.word.open()
    waiter.waiting = 0
    waiter.deadline = .never
    waiter.sleepers = []
    waiter.standings = [:]
    (pass, place, isAborted) = (.register, -1, false)
    operations(&self)
    checkCount()
    return waiter
  }

  /// Calls the closure so that no operation waits any more. Returns whether one of them was completed by another
  /// thread; then it is the chosen one.
  mutating func withdraw(_ waiter: SelectWaiter, _ operations: (inout Selection) -> Void) -> Bool {
    let claimed = waiter.word.close()
    (pass, place) = (.withdraw, -1)
    operations(&self)
    checkCount()
    chosen = claimed ?? -1
    return claimed != nil
  }

  /// Goes on with a selection on a thread, after the first look has not completed an operation.
  @usableFromInline mutating func wait(_ operations: (inout Selection) -> Void) -> Outcome {
    var backoff = Backoff()
    isLookAgain = true
    while true {
      if look(operations) {
        if complete(operations), let outcome = outcome.take() { return outcome }
        isAborted = true
      }
      if sawHole || isAborted || !backoff.isOver {
        // An operation was ready and is not any more. Its channel may be about to change again.
        isAborted = false
        backoff.snooze()
        continue
      }
      let waiter = register(operations)
      if !isAborted {
        if waiter.waiting == 0 {
          fatalError(
            "Troupe: Channel.select(inOrder:_:) would wait for ever, because it was given no operation to wait for.")
        }
        let alarms = waiter.sleepers.map { sleeper in
          Task.detached {
            await sleeper()
            waiter.parker.signal()
          }
        }
        _ = waiter.parker.wait(until: waiter.deadline, spinning: false, call: "Channel.select(inOrder:_:)")
        for alarm in alarms { alarm.cancel() }
      }
      if withdraw(waiter, operations), complete(operations), let outcome = outcome.take() { return outcome }
      backoff = Backoff()
    }
  }

  /// Goes on with a selection in a task, after the first look has not completed an operation.
  @usableFromInline
  nonisolated(nonsending)
    mutating func wait(_ operations: (inout Selection) -> Void) async -> Outcome?
  {
    var turns = 0
    isLookAgain = true
    while true {
      if look(operations) {
        if complete(operations), let outcome = outcome.take() {
          if isTurnOver { await TaskYield.yield() }
          return outcome
        }
        isAborted = true
      }
      if sawHole || isAborted {
        isAborted = false
        await TaskYield.yield()
        continue
      }
      // As in a receive, waiting a turn for those who are about to run on this thread costs less than being woken.
      if turns < 2 {
        turns += 1
        if TaskYield.isOnWorker {
          await TaskYield.point.enter()
        } else {
          await Task.yield()
        }
        continue
      }
      if Task.isCancelled { return nil }
      let waiter = register(operations)
      if !isAborted { await Self.sleep(waiter) }
      if withdraw(waiter, operations), complete(operations), let outcome = outcome.take() {
        if isTurnOver { await TaskYield.yield() }
        return outcome
      }
    }
  }

  /// Suspends the task until the waiter is signalled, a moment has come, or the task is cancelled.
  private nonisolated(nonsending) static func sleep(_ waiter: SelectWaiter) async {
    let alarm = Alarm(waiter.deadline) { waiter.parker.signal() }
    if waiter.sleepers.isEmpty {
      await waiter.parker.waitUnlessCancelled()
    } else {
      // Child tasks and not tasks of their own, so that a simulation runs them.
      await withTaskGroup(of: Void.self) { group in
        for sleeper in waiter.sleepers {
          group.addTask {
            await sleeper()
            waiter.parker.signal()
          }
        }
        await waiter.parker.waitUnlessCancelled()
        group.cancelAll()
      }
    }
    alarm?.cancel()
  }
}

/// What selections draw from.
@usableFromInline enum Chance {
  /// Returns a number from 0 up to `bound`, without `bound` itself. The multiplication takes the place of a division,
  /// and is as good while the bound is far below 2^64.
  @usableFromInline static func number(below bound: Int) -> Int {
    Int(troupe_random_next().multipliedFullWidth(by: UInt64(bound)).high)
  }
}
