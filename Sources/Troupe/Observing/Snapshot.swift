import Synchronization

/// The figures of one actor, read while it runs.
public struct ActorSnapshot: Sendable {
  /// What an actor does.
  public enum State: Sendable, Hashable {
    /// It has nothing to do.
    case idle
    /// It handles messages, or waits for its turn to.
    case active
    /// It handles no messages: suspended, or between two incarnations.
    case suspended
    /// It takes no new messages.
    case stopping
  }

  /// Which actor.
  public let actor: ActorID
  /// `system/parent/child`.
  public let path: String
  /// The type of its messages.
  public let messageType: String
  /// What it does.
  public let state: State
  /// Messages that wait in its mailbox. What stands beside it, such as stashed messages and notices, is not in it.
  public let depth: Int
  /// Messages whose handler returned. Those of a turn that is under way are counted when it ends.
  public let handled: Int
  /// Messages whose handler threw.
  public let failed: Int
  /// Errors thrown by handlers, hooks and the factory.
  public let failures: Int
  /// Incarnations that followed another.
  public let restarts: Int
  /// Messages that were not handled, by reason.
  public let deadLetters: [DeadLetter.Reason: Int]
  /// How long its handlers and hooks have run, the time in which asynchronous ones were suspended included; of an interleaving behavior its turns alone. Nil unless
  /// `ActorSystem.Options.measuresTime` asks for it.
  public let timeInHandlers: Duration?
}

/// The figures of a system, read one after the other while it runs.
public struct SystemSnapshot: Sendable {
  /// Of the whole system.
  public let counts: ActorSystem.Counts
  /// Of each actor that has not ended, parents before children.
  public let actors: [ActorSnapshot]
}

extension ActorSystem {
  /// The figures of the system and of each of its actors. From any thread; O(n) in the number of actors, which go on meanwhile.
  public func snapshot() -> SystemSnapshot {
    var actors: [ActorSnapshot] = []
    var level: [ChildTable] = [core.table]
    while !level.isEmpty {
      var below: [ChildTable] = []
      for table in level {
        // Newest first in the table.
        for cell in table.children.reversed() {
          if let snapshot = cell.snapshot { actors.append(snapshot) }
          if let children = cell.lock.withLock({ cell.children }) { below.append(children) }
        }
      }
      level = below
    }
    return SystemSnapshot(counts: counts, actors: actors)
  }
}

extension Address where Message: ~Copyable {
  /// The figures of the actor; nil if it has ended. From any thread.
  public var snapshot: ActorSnapshot? { target.cell.snapshot }
}

extension Cell {
  var snapshot: ActorSnapshot? {
    // Relaxed: figures, by which nothing is read.
    let word = queue.pointee.tail.load(ordering: .relaxed)
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
