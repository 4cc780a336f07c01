import Synchronization

/// What a cell needs only if its actor uses it, such as a stash, timers or watches. It is made when it is first needed,
/// and only the cell's worker touches it.
final class RareState {
  /// Unstashed messages, which are handled before everything else.
  @exclusivity(unchecked) var front = EnvelopeList()
  /// Envelopes that wait until the consumer of the queue has reached their `position`.
  @exclusivity(unchecked) var placed = EnvelopeList()
  /// Messages that the actor has put aside, until it calls `unstashAll` or is restarted.
  @exclusivity(unchecked) var stash = EnvelopeList()
  /// What this actor watches, and what it is linked to.
  var watches: [WatchKey: Watch] = [:]
  @exclusivity(unchecked) var timers: TimerTable?
  var receiveTimeout: ReceiveTimeout?
  /// When the last message had been handled, on the scheduler's clock; kept while there is a receive timeout.
  var idleSince: Int64 = 0
  /// How many messages the turn might still handle when `idleSince` was noted, so that it is noted once.
  var notedLeft = Turn.messageLimit
  /// Work whose result will come as a message.
  private(set) var work: [ObjectIdentifier: (order: Int, task: Task<Void, Never>)] = [:]
  private var startedWork = 0
  /// What brings the actor messages from outside of the system.
  @exclusivity(unchecked) var sources: [any MessageSource] = []
  /// The failure with which the actor ends, if its supervision has decided so.
  var failure: FailureBox?
  /// When the actor failed, the most recent time last.
  var failures = FailureTimes()
  var restarts = 0
  var restartDelay = Duration.zero
  var restartTimer: ControlTimer?
  /// Where the time in handlers is added up, if the system measures it.
  var timeMeter: ActorMeter?

  func keep(_ task: Task<Void, Never>, for work: ObjectIdentifier) {
    startedWork += 1
    self.work[work] = (startedWork, task)
  }
  func workEnded(_ work: ObjectIdentifier) { self.work[work] = nil }
  /// Takes all work in the order in which it was begun, so that in a simulation what follows from it has an order.
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
  /// Calls `body` with the rare state, as `withExistingRareState` does if there is one already. On the cell's worker.
  @inline(__always) func withRareState(_ body: (RareState) -> Void) {
    if withExistingRareState(body) == nil { body(rareState) }
  }
}
