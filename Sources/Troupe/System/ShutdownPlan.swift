import Synchronization

/// The phases of a system's shutdown, and the tasks of each.
///
/// It is Sendable because what changes is touched only under the lock.
final class ShutdownPlan: @unchecked Sendable {
  typealias Body = @Sendable () async throws -> Void
  private struct Task {
    let name: String
    let body: Body
  }
  let phases: [ShutdownPhase]
  private let lock = FutexLock()
  private var tasks: [String: [Task]] = [:]
  private var done: [ShutdownReport.Task] = []
  private var hasBegun = false
  /// When the whole shutdown is late.
  private var end = Int64.max
  /// Whether the whole shutdown is late.
  private var isHurried = false
  private var current: PhaseRun?

  init(_ phases: [ShutdownPhase]) {
    guard phases.filter({ $0.name == ShutdownPhase.actors.name }).count == 1 else {
      fatalError(
        "Troupe: the phases of a shutdown must have `actors` among them exactly once; it is the phase in which "
          + "they stop")
    }
    guard Set(phases.map(\.name)).count == phases.count else {
      fatalError("Troupe: two phases of a shutdown have the same name, and each needs its own: \(phases.map(\.name))")
    }
    self.phases = phases
  }

  private var actorsPlace: Int { phases.firstIndex { $0.name == ShutdownPhase.actors.name } ?? 0 }
  /// The phases up to the one in which the actors stop, that one included.
  var before: ArraySlice<ShutdownPhase> { phases[...actorsPlace] }
  var after: ArraySlice<ShutdownPhase> { phases[(actorsPlace + 1)...] }
  var actorsDeadline: Duration? { phases[actorsPlace].deadline }
  var report: [ShutdownReport.Task] { lock.withLock { done } }

  func add(_ body: @escaping Body, _ name: String, _ phase: ShutdownPhase) -> Bool {
    guard phases.contains(where: { $0.name == phase.name }) else {
      fatalError("Troupe: \(phase.name) is no phase of this system's shutdown, whose phases are \(phases.map(\.name))")
    }
    return lock.withLock {
      if !hasBegun { tasks[phase.name, default: []].append(Task(name: name, body: body)) }
      return !hasBegun
    }
  }

  /// Begins a shutdown that should be over at the deadline.
  func begin(until end: Int64) {
    lock.withLock {
      hasBegun = true
      self.end = end
    }
  }

  /// When the tasks of the phase that is under way are cancelled, as far as that is known.
  var deadline: Int64 { lock.withLock { min(end, current?.deadline ?? .max) } }

  func hasTasks(_ phases: ArraySlice<ShutdownPhase>) -> Bool {
    lock.withLock { phases.contains { tasks[$0.name] != nil } }
  }

  /// Ends the phase that is under way, and leaves out the tasks of the phases that `before` has and that have not
  /// begun.
  func hurry() {
    lock.withLock { () -> PhaseRun? in
      isHurried = true; return current
    }?.parker.signal()
  }

  func run(_ phases: ArraySlice<ShutdownPhase>, in core: SystemCore) async {
    for phase in phases {
      core.tell(.shutdown(phase))
      await run(phase, in: core)
    }
  }

  private func run(_ phase: ShutdownPhase, in core: SystemCore) async {
    let tasks = lock.withLock { self.tasks.removeValue(forKey: phase.name) ?? [] }
    if tasks.isEmpty { return }
    let scheduler = core.scheduler
    let run = PhaseRun(tasks.count, deadline: phase.deadline.map { scheduler.deadline(after: $0) } ?? .max)
    let isLeftOut = lock.withLock { () -> Bool in
      current = run
      return isHurried && before.contains(phase)
    }
    if !isLeftOut {
      let running = tasks.enumerated().map { index, task in
        TaskRunner(scheduler).start {
          do {
            try await task.body()
            run.finish(index, .finished)
          } catch {
            run.finish(index, .failed(error))
          }
        }
      }
      if run.deadline != .max { scheduler.add(run) }
      await run.parker.wait()
      if run.deadline != .max { scheduler.cancel(run) }
      for task in running { task.cancel() }
    }
    let outcomes = run.outcomes
    lock.withLock {
      current = nil
      for (task, outcome) in zip(tasks, outcomes) {
        done.append(ShutdownReport.Task(phase: phase.name, name: task.name, outcome: outcome))
      }
    }
  }
}

/// A phase under way. As a timer it fires at the phase's deadline, and wakes whoever waits for the phase.
private final class PhaseRun: Timer, @unchecked Sendable {
  typealias Outcome = ShutdownReport.Task.Outcome
  let parker = Parker()
  private let lock = FutexLock()
  private var results: [Outcome?]
  private var left: Int

  init(_ count: Int, deadline: Int64) {
    results = Array(repeating: nil, count: count)
    left = count
    super.init(deadline: deadline)
  }

  func finish(_ index: Int, _ outcome: Outcome) {
    let isLast = lock.withLock { () -> Bool in
      results[index] = outcome
      left -= 1
      return left == 0
    }
    if isLast { parker.signal() }
  }

  var outcomes: [Outcome] { lock.withLock { results.map { $0 ?? .late } } }

  override func fire() { parker.signal() }
}
