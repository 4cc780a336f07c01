import Synchronization

/// The figures of one actor, read while it runs.
public struct ActorSnapshot: Sendable {
  /// What an actor is doing.
  public enum State: Sendable, Hashable {
    /// The actor has nothing to do.
    case idle
    /// The actor handles messages, or waits for its turn to do so.
    case active
    /// The actor handles no messages, because it is suspended or between two incarnations.
    case suspended
    /// The actor takes no new messages.
    case stopping
  }

  /// The identity of the actor.
  public let actor: ActorID
  /// The path of the actor, `system/parent/child`.
  public let path: String
  /// The type of the actor's messages.
  public let messageType: String
  /// What the actor is doing.
  public let state: State
  /// The number of messages that wait in its mailbox. What stands beside it, such as stashed messages and notices, is
  /// not counted.
  public let depth: Int
  /// The number of messages whose handler returned. Those of a turn that is under way are counted when the turn ends.
  public let handled: Int
  /// The number of messages whose handler threw.
  public let failed: Int
  /// The number of errors thrown by handlers, hooks and the factory.
  public let failures: Int
  /// The number of times that the actor was restarted.
  public let restarts: Int
  /// The number of messages that were not handled, by reason.
  public let deadLetters: [DeadLetter.Reason: Int]
  /// How long the actor's handlers and hooks have run, including the time in which asynchronous ones were suspended.
  /// For an interleaving behavior it is the time of its turns alone. Nil unless `ActorSystem.Options.measuresTime` is
  /// set.
  public let timeInHandlers: Duration?
}

/// The figures of one `TroupeExecutor`, read while it runs.
public struct ExecutorSnapshot: Sendable, Hashable {
  /// The name of the executor.
  public let name: String
  /// The number of jobs that run or wait.
  public let jobs: Int
}

/// The figures of a system and its actors. They are read one after the other while it runs, so they need not be of one
/// moment.
public struct SystemSnapshot: Sendable {
  /// The figures of the whole system.
  public let counts: ActorSystem.Counts
  /// The figures of each actor that has not ended, parents before children.
  public let actors: [ActorSnapshot]
  /// The figures of each `TroupeExecutor` that somebody keeps, in the order in which they were made.
  public let executors: [ExecutorSnapshot]
}

extension ActorSystem {
  /// The figures of the system, of each of its actors, and of each `TroupeExecutor`, for a monitor or a dashboard. They
  /// go on meanwhile. O(n) in the number of actors and executors; from any thread.
  public func snapshot() -> SystemSnapshot {
    var actors: [ActorSnapshot] = []
    var level: [ChildTable] = [core.table]
    while !level.isEmpty {
      var below: [ChildTable] = []
      for table in level {
        // The table has the newest child first.
        for cell in table.children.reversed() {
          if let snapshot = cell.snapshot { actors.append(snapshot) }
          if let children = cell.lock.withLock({ cell.children }) { below.append(children) }
        }
      }
      level = below
    }
    return SystemSnapshot(counts: counts, actors: actors, executors: core.executors.snapshots)
  }
}

extension Address where Message: ~Copyable {
  /// The figures of the actor; nil if it has ended. From any thread.
  public var snapshot: ActorSnapshot? { target.cell.snapshot }
}

extension Cell {
  var snapshot: ActorSnapshot? {
    // Relaxed: these are figures, and no other memory is read because of them.
    let word = mailbox.queue.pointee.tail.load(ordering: .relaxed)
    if word & TailWord.gone != 0 { return nil }
    let meter = existingMeter
    let measuresTime = system.options.measuresTime
    return ActorSnapshot(
      actor: ActorID(self), path: path, messageType: typeName(at: messageType), state: state(word),
      depth: depth,
      handled: handled.load(ordering: .relaxed), failed: meter?.failed.load(ordering: .relaxed) ?? 0,
      failures: meter?.failures.load(ordering: .relaxed) ?? 0, restarts: meter?.restarts.load(ordering: .relaxed) ?? 0,
      deadLetters: meter?.deadLetters ?? [:],
      timeInHandlers: measuresTime ? .nanoseconds(meter?.nanoseconds.load(ordering: .relaxed) ?? 0) : nil)
  }

  private func state(_ word: UInt) -> ActorSnapshot.State {
    if word & TailWord.closed != 0 { return .stopping }
    if word & TailWord.suspended != 0 { return .suspended }
    return word & TailWord.idle != 0 ? .idle : .active
  }
}
