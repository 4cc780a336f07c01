import Troupe

extension Simulation {
  /// Runs until nothing can run. No virtual time passes.
  public func runUntilIdle() {
    _ = drive(until: { false }, end: nil)
  }

  /// Lets that much virtual time pass: runs what can run, and fires timers in the order of their deadlines.
  public func advance(by duration: Duration) {
    let end = scheduler.coarseNow + duration.nanosecondsClamped
    _ = drive(until: { false }, end: end)
  }

  /// Runs until the condition holds, letting virtual time pass when nothing else can happen. The condition is
  /// evaluated after each step.
  ///
  /// It throws a `SimulationFailure` if nothing can happen any more before the condition holds, or if the time has
  /// passed.
  /// - Parameters:
  ///   - condition: Is evaluated after each step, and ends the run when it is true.
  ///   - limit: How much virtual time may pass; nil means as much as the options say.
  public func run(until condition: () -> Bool, within limit: Duration? = nil) throws(SimulationFailure) {
    let end = scheduler.coarseNow.saturatingAdd((limit ?? options.timeLimit).nanosecondsClamped)
    switch drive(until: condition, end: end) {
    case .met: return
    case .idle where scheduler.nextDeadline == nil:
      throw failure(.stuck, "nothing can run any more, and the condition does not hold\(openEnds)")
    case .idle: throw failure(.endless, "the condition does not hold after \(limit ?? options.timeLimit)\(openEnds)")
    case .tooLong: throw failure(.endless, "the condition does not hold after \(options.stepLimit) steps")
    }
  }

  /// Runs until the condition holds, for at most that much virtual time.
  func drive(until condition: () -> Bool, for limit: Duration) -> DriveEnd {
    drive(until: condition, end: scheduler.coarseNow.saturatingAdd(limit.nanosecondsClamped))
  }

  enum DriveEnd { case met, idle, tooLong }

  /// Makes steps until the condition holds or nothing can run; then lets time pass, up to `end`.
  func drive(until condition: () -> Bool, end: Int64?) -> DriveEnd {
    precondition(
      !scheduler.isInHandler, "TroupeTestKit: a simulation was driven in a handler, which would wait for itself")
    scheduler.drive()
    var left = options.stepLimit
    while !condition() {
      if scheduler.step() {
        left -= 1
        afterStep()
        if left > 0 { continue }
        add(.endless, "\(options.stepLimit) steps, and still something runs: \(lastToRun)")
        return .tooLong
      }
      guard let end, scheduler.passTime(until: end) else { return .idle }
    }
    return .met
  }

  private var lastToRun: String { history.entries.last?.description ?? "" }

  private func afterStep() {
    if tasks.isEmpty { return }
    if recorder.cancelsTasks {
      for task in tasks {
        task.steps += 1
        if recorder.cancels(task.name, after: task.steps) {
          recorder.note("task \(task.name) is cancelled by a fault")
          task.cancel()
        }
      }
    }
  }

  /// Lists what still waits for something, for the text of a failure.
  var openEnds: String {
    var lines = tasks.map { "task \($0.name) waits" }
    lines += recorder.openAsks.map {
      "an ask of \($0.target) with a \(plain($0.messageType)) at \($0.fileID):\($0.line) waits"
    }
    lines += recorder.living.filter { $0.waiting > 0 }.map {
      "\($0.path) has \($0.waiting) messages that it does not handle"
    }
    if !scheduler.allEscapes.isEmpty { lines.append("something has left the simulation") }
    return lines.isEmpty ? "" : "; " + lines.joined(separator: "; ")
  }

  func add(_ kind: Issue.Kind, _ text: String) { issues.append(Issue(kind: kind, text: plain(text))) }

  func failure(_ kind: Issue.Kind, _ text: String) -> SimulationFailure {
    SimulationFailure(seed: seed, issues: [Issue(kind: kind, text: plain(text))], history: history)
  }
}
