import Troupe

/// A task of a simulation, and what became of it.
///
/// Sendable because it is touched by the thread of the simulation.
public final class SimulatedTask<Value: Sendable>: @unchecked Sendable {
  /// Its name in the history.
  public let name: String
  /// What it ended with; nil while it has not ended.
  public fileprivate(set) var result: Result<Value, any Error>?
  var steps = 0
  fileprivate var task: Task<Void, Never>?
  private let simulation: Simulation

  fileprivate init(_ name: String, _ simulation: Simulation) {
    self.name = name
    self.simulation = simulation
  }

  /// Whether it has ended.
  public var isOver: Bool { result != nil }
  /// Cancels it, as a task is cancelled.
  public func cancel() { task?.cancel() }

  /// Runs the simulation until this task has ended, and returns its value or throws its error; or a `SimulationFailure`, if it cannot end.
  public func value() throws -> Value {
    try simulation.run(until: { self.result != nil })
    guard let result else { throw simulation.failure(.stuck, "task \(name) has not ended") }
    return try result.get()
  }
}

protocol UnfinishedTask: AnyObject {
  var name: String { get }
  var steps: Int { get set }
  func cancel()
}
extension SimulatedTask: UnfinishedTask {}

extension Simulation {
  /// Starts a task that is part of the simulation, and returns at once; it goes on when the simulation does.
  /// - Parameter name: What the history calls it; nil: a number.
  @discardableResult
  public func start<Value: Sendable>(
    _ name: String? = nil, _ body: @escaping @Sendable () async throws -> Value
  ) -> SimulatedTask<Value> {
    scheduler.drive()
    startedTasks += 1
    let started = SimulatedTask<Value>(name ?? "task \(startedTasks)", self)
    tasks.append(started)
    Simulation.$taskName.withValue(started.name) {
      started.task = Task(executorPreference: system.executor) { [weak self] in
        do { started.result = .success(try await body()) } catch { started.result = .failure(error) }
        // Each of the two holds the other.
        self?.tasks.removeAll { $0 === started }
      }
    }
    return started
  }

  /// Runs a scenario to its end, time passing whenever nothing else can happen, and returns its value or throws its error.
  public func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
    try start("test", body).value()
  }

  /// Runs a scenario in a simulation of its own, and checks at its end what `finish` checks.
  @discardableResult
  public static func run<Value: Sendable>(
    seed: UInt64, options: Options = Options(), _ body: @escaping @Sendable (Simulation) async throws -> Value
  ) throws -> Value {
    let simulation = Simulation(seed: seed, options: options)
    return try simulation.runAndFinish(body)
  }

  func runAndFinish<Value: Sendable>(_ body: @escaping @Sendable (Simulation) async throws -> Value) throws -> Value {
    let value: Value
    do {
      value = try run { try await body(self) }
    } catch {
      abandon()
      throw error
    }
    try finish()
    return value
  }

  /// Virtual time for code that takes a clock.
  public var clock: SimulatedClock { SimulatedClock(simulation: self) }

  /// Suspends a task of the simulation, or an asynchronous handler, for so much virtual time. Throws `CancellationError` when it is cancelled.
  nonisolated(nonsending) public func sleep(for duration: Duration) async throws {
    try await clock.sleep(until: clock.now.advanced(by: duration), tolerance: nil)
  }
}
