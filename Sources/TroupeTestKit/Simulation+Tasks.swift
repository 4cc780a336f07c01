import Troupe

/// A task of a simulation, and what became of it.
///
/// Sendable because only the thread of the simulation touches it.
public final class SimulatedTask<Value: Sendable>: @unchecked Sendable {
  /// The name of the task in the history.
  public let name: String
  /// What the task ended with; nil while it has not ended.
  public fileprivate(set) var result: Result<Value, any Error>?
  var steps = 0
  fileprivate var task: Task<Void, Never>?
  private let simulation: Simulation

  fileprivate init(_ name: String, _ simulation: Simulation) {
    self.name = name
    self.simulation = simulation
  }

  /// Whether the task has ended.
  public var isOver: Bool { result != nil }
  /// Cancels the task, like `Task.cancel`.
  public func cancel() { task?.cancel() }

  /// Runs the simulation until this task has ended, and returns its value or throws its error. It throws a
  /// `SimulationFailure` if the task cannot end.
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
  /// Starts a task that is part of the simulation, and returns at once. The task goes on whenever the simulation
  /// does.
  /// - Parameters:
  ///   - name: The name of the task in the history; nil gives it a number.
  ///   - body: What the task does.
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
        // The task and the simulation hold each other, so one of them has to let go.
        self?.tasks.removeAll { $0 === started }
      }
    }
    return started
  }

  /// Runs a scenario to its end, and returns its value or throws its error. Virtual time passes whenever nothing else
  /// can happen.
  public func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
    try start("test", body).value()
  }

  /// Runs a scenario in a simulation of its own, and then checks what `finish` checks.
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

  /// The virtual time of this simulation, for code that takes a clock.
  public var clock: SimulatedClock { SimulatedClock(simulation: self) }

  /// Suspends a task of the simulation, or an asynchronous handler, for that much virtual time. Throws
  /// `CancellationError` if the task is cancelled.
  nonisolated(nonsending) public func sleep(for duration: Duration) async throws {
    try await clock.sleep(until: clock.now.advanced(by: duration), tolerance: nil)
  }
}
