public import Troupe

extension Simulation {
  /// Throws an issue if the condition does not hold. Use it in scenarios that `explore` runs, where the expectations
  /// of a test library would not be heard.
  public func expect(_ condition: Bool, _ text: @autoclosure () -> String = "") throws(SimulationFailure) {
    if condition { return }
    throw failure(.expectation, text().isEmpty ? "an expectation does not hold" : text())
  }

  /// Accounts for a failure that has happened, so that it is not an issue at the end. Throws if no failure matches.
  @discardableResult
  public func expectFailure(
    where matches: (ActorFailure) -> Bool = { _ in true }
  ) throws(SimulationFailure) -> ActorFailure {
    if let found = recorder.expectFailure(matches) { return found }
    throw failure(.expectation, "no actor has failed as expected")
  }

  /// Accounts for an actor's next failure that is not accounted for yet. Throws if there is none.
  @discardableResult
  public func expectFailure<Message: ~Copyable>(
    of address: Address<Message>
  ) throws(SimulationFailure) -> ActorFailure {
    let path = address.path
    if let found = recorder.expectFailure({ $0.path == path }) { return found }
    throw failure(.expectation, "\(path) has not failed")
  }

  /// Accounts for a dead letter that has been made, so that it is not an issue at the end. Throws if no dead letter
  /// matches.
  @discardableResult
  public func expectDeadLetter(
    where matches: (DeadLetter) -> Bool = { _ in true }
  ) throws(SimulationFailure) -> DeadLetter {
    if let found = recorder.expectLetter(matches) { return found }
    throw failure(.expectation, "there is no such dead letter")
  }

  /// Accounts for an ask that has failed, for whatever reason, so that it is not an issue at the end. Throws if no
  /// failed ask matches.
  @discardableResult
  public func expectFailedAsk(where matches: (AskError) -> Bool = { _ in true }) throws(SimulationFailure) -> AskError {
    if let found = recorder.expectFailedAsk(matches) { return found }
    throw failure(.expectation, "no ask has failed as expected")
  }

  /// Ends the simulation: runs until nothing can run, looks for what should not be, and shuts the system down.
  ///
  /// Each of the following is an issue, unless `Options.allowed` contains it:
  /// - a failure that nobody expected;
  /// - an ask that waits, timed out or was dropped;
  /// - a task that has not ended;
  /// - a mailbox that is not empty;
  /// - an actor that the shutdown does not end;
  /// - a timer that is left after that;
  /// - something that came from another thread;
  /// - a dead letter that nobody expected, if `Options.checksDeadLetters` is set.
  ///
  /// The call throws what it found, or gives it to `Options.issueHandler`. Calling it a second time does nothing.
  public func finish() throws(SimulationFailure) {
    if isFinished { return }
    runUntilIdle()
    isFinished = true
    for each in recorder.failures where !each.isExpected { add(.unexpectedFailure, each.failure.description) }
    lookAtAsks()
    for task in tasks { add(.unfinishedTask, "\(task.name) waits for something that has not come") }
    for actor in recorder.living where actor.waiting > 0 && !actor.isOurs {
      add(.undrainedMailbox, "\(actor.path) has \(actor.waiting) messages that it does not handle")
    }
    if options.checksDeadLetters {
      for each in recorder.letters where !each.isExpected { add(.unexpectedDeadLetter, each.letter.description) }
    }
    shutDown()
    for actor in recorder.living { add(.leakedActor, "\(actor.path) does not end") }
    let timers = scheduler.timerCount
    if timers > 0 { add(.leakedTimer, "\(timers) timers are set, and every actor has been stopped") }
    for escape in scheduler.allEscapes {
      let what = escape.actor.map { "a message for, or the handler of, \($0)" } ?? "a job of a task"
      add(.escape, "\(what) came from another thread, which no seed can repeat")
    }
    let found = issues.filter { !options.allowed.contains($0.kind) }
    if found.isEmpty { return }
    let failure = SimulationFailure(seed: seed, issues: found, history: history)
    guard let handler = options.issueHandler else { throw failure }
    handler(failure)
  }

  private func lookAtAsks() {
    for note in recorder.openAsks {
      add(.unansweredAsk, "an ask of \(note.target) with a \(note.messageType) at \(note.fileID):\(note.line) waits")
    }
    for each in recorder.failedAsks where !each.isExpected {
      switch each.error.reason {
      case .timedOut, .dropped, .cycle: add(.unansweredAsk, each.error.description)
      case .ended, .mailboxFull, .failed, .cancelled: break
      }
    }
  }

  private func shutDown() {
    for task in tasks { task.cancel() }
    runUntilIdle()
    system.requestShutdown()
    runUntilIdle()
    if scheduler.settlingTime > .zero { advance(by: scheduler.settlingTime) }
  }

  /// Lets go of everything after the scenario has failed.
  func abandon() {
    if isFinished { return }
    isFinished = true
    shutDown()
  }
}
