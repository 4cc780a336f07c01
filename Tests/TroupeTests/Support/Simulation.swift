import TestSupport
import Troupe

/// A system that runs when it is told to, on the thread that tells it.
struct Simulation {
  let scheduler: SimulatedScheduler
  let system: ActorSystem
  let log = Trail<String>()
  let letters = Trail<DeadLetter>()

  /// An actor that fails stops, unless its own options say otherwise.
  init(seed: UInt64, supervision: Supervision = .stop, listener: (@Sendable (DeadLetter) throws -> Void)? = nil) {
    scheduler = SimulatedScheduler(seed: seed)
    let (log, letters) = (log, letters)
    system = ActorSystem(
      "sim", simulatedBy: scheduler,
      options: ActorSystem.Options(
        supervision: supervision, log: { log.append($0) },
        deadLetterListener: {
          letters.append($0)
          try listener?($0)
        }))
  }

  func run() { scheduler.runUntilIdle() }
  func advance(by duration: Duration) { scheduler.advance(by: duration) }

  /// Starts a task on the system's workers; it moves on when the simulation does.
  func start<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) -> Outcome<Value> {
    let outcome = Outcome<Value>()
    outcome.task = Task(executorPreference: system.executor) {
      do { outcome.succeed(try await body()) } catch { outcome.fail(error) }
    }
    return outcome
  }

  /// Stops everything and lets it happen.
  func end() {
    system.requestShutdown()
    run()
  }
}

/// What became of a simulated task so far.
final class Outcome<Value: Sendable>: @unchecked Sendable {
  // Touched by the thread of the simulation.
  private(set) var value: Value?
  private(set) var error: (any Error)?
  fileprivate(set) var task: Task<Void, Never>?

  fileprivate func succeed(_ value: Value) { self.value = value }
  fileprivate func fail(_ error: any Error) { self.error = error }

  var isOver: Bool { value != nil || error != nil }
  var askError: AskError? { error as? AskError }
  func cancel() { task?.cancel() }
}

/// A system on the pool that keeps what it logs.
struct Pooled {
  let system: ActorSystem
  let log = Trail<String>()
  let letters = Trail<DeadLetter>()

  /// An actor that fails stops, unless its own options say otherwise.
  init(
    _ name: String = "pool", workers: Int? = nil, supervision: Supervision = .stop, highWater: Int = 0,
    listener: (@Sendable (DeadLetter) throws -> Void)? = nil
  ) {
    let (log, letters) = (log, letters)
    system = ActorSystem(
      name,
      options: ActorSystem.Options(
        workers: workers, supervision: supervision, highWater: highWater, log: { log.append($0) },
        deadLetterListener: {
          letters.append($0)
          try listener?($0)
        }))
  }

  /// Stops everything. Without a deadline: one that does not come to its end is a test that does not end.
  @discardableResult func end() async -> ShutdownReport { await system.shutdown(deadline: nil) }
}

extension Termination {
  /// The reason as a word, since a failure cannot be compared.
  var kind: String {
    switch reason {
    case .stopped: "stopped"
    case .linked: "linked"
    case .unreferenced: "unreferenced"
    case .failed: "failed"
    case .parentStopped: "parentStopped"
    case .systemStopped: "systemStopped"
    case .nameTaken: "nameTaken"
    }
  }
  var failure: ActorFailure? {
    if case .failed(let failure) = reason { failure } else { nil }
  }
}

extension AskError {
  var kind: String {
    switch reason {
    case .ended: "ended"
    case .mailboxFull: "mailboxFull"
    case .dropped: "dropped"
    case .failed: "failed"
    case .timedOut: "timedOut"
    case .cancelled: "cancelled"
    case .cycle: "cycle"
    }
  }
  var cause: (any Error)? {
    if case .failed(let error) = reason { error } else { nil }
  }
}

/// Runs an ask that must fail.
func failureOf<Value: ~Copyable>(_ body: () async throws(AskError) -> Value) async -> AskError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error
  }
}
