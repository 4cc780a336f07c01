import Synchronization

/// What a cell needs only if its actor uses it. Made when it is first needed, and touched by the cell's worker alone.
final class RareState {
  /// Unstashed: before everything else.
  @exclusivity(unchecked) var front = EnvelopeList()
  /// At their places.
  @exclusivity(unchecked) var placed = EnvelopeList()
  @exclusivity(unchecked) var stash = EnvelopeList()
  /// What this actor watches, and what it is linked to.
  var watches: [WatchKey: Watch] = [:]
  @exclusivity(unchecked) var timers: TimerTable?
  var receiveTimeout: ReceiveTimeout?
  /// When the last message had been handled, on the scheduler's clock; kept while there is a receive timeout.
  var idleSince: Int64 = 0
  /// What was left of the turn when that was noted.
  var notedLeft = Turn.messages
  /// Work whose result will come as a message.
  private(set) var work: [ObjectIdentifier: (order: Int, task: Task<Void, Never>)] = [:]
  private var startedWork = 0
  /// What it ends with.
  var failure: FailureBox?
  /// When it failed, most recent last.
  var failures = FailureTimes()
  var restarts = 0
  var restartDelay = Duration.zero
  var restartTimer: ControlTimer?
  /// Set if the time in handlers is measured.
  var timeMeter: ActorMeter?

  func keep(_ task: Task<Void, Never>, for work: ObjectIdentifier) {
    startedWork += 1
    self.work[work] = (startedWork, task)
  }
  func workEnded(_ work: ObjectIdentifier) { self.work[work] = nil }
  /// In the order in which it was begun, so that in a simulation what follows from it has an order.
  func takeWork() -> [Task<Void, Never>] {
    defer { work = [:] }
    return work.values.sorted { $0.order < $1.order }.map(\.task)
  }

  var hasEnvelopes: Bool { !front.isEmpty || !placed.isEmpty }
}

extension Cell {
  /// On the cell's worker.
  var rareState: RareState {
    if let existingRareState { return existingRareState }
    let rareState = RareState()
    existingRareState = rareState
    return rareState
  }
}
