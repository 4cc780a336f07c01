/// Stops asking an actor that fails again and again, and tries it once in a while (Nygard, "Release It!").
///
/// ```swift
/// let breaker = CircuitBreaker(in: system, "bank", options: .init(maxFailures: 3, resetTimeout: .seconds(10)))
/// let isPaid = try await breaker.ask(bank) { .pay(5, $0) }
/// ```
/// *Closed*, every ask goes through; after `maxFailures` in a row the breaker opens. *Open*, asks fail at once without reaching
/// the actor, until `resetTimeout` has passed. *Half-open*, `trials` at a time go through: a success closes the breaker, a failure opens it
/// again. An ask whose task was cancelled counts as neither. What an ask that began before the last change of state comes to is ignored.
///
/// Copies share the state, which an actor keeps. From any task; in a handler, inside `context.pipe`.
public struct CircuitBreaker: Sendable {
  /// Whether asks go through.
  public enum State: Sendable, Hashable {
    /// They do.
    case closed
    /// They fail at once.
    case open
    /// Some do, as a trial.
    case halfOpen
  }

  /// How a breaker is set up.
  public struct Options: Sendable {
    /// Failures in a row after which it opens; below 1 stops the program.
    public var maxFailures: Int
    /// How long an ask may take before it is a failure. Zero or less stops the program.
    public var callTimeout: Duration
    /// How long it stays open. Zero or less stops the program.
    public var resetTimeout: Duration
    /// Asks that are let through at a time while half-open; below 1 stops the program.
    public var trials: Int
    /// Which errors count as failures; the others count as successes. A cancelled ask, and one that would wait for
    /// itself, is neither.
    public var isFailure: @Sendable (AskError) -> Bool

    /// The defaults, but for what is given.
    public init(
      maxFailures: Int = 5, callTimeout: Duration = .seconds(5), resetTimeout: Duration = .seconds(30), trials: Int = 1,
      isFailure: @escaping @Sendable (AskError) -> Bool = { _ in true }
    ) {
      self.maxFailures = maxFailures
      self.callTimeout = callTimeout
      self.resetTimeout = resetTimeout
      self.trials = trials
      self.isFailure = isFailure
    }
  }

  private let gate: Address<BreakerGate.Message>
  private let options: Options

  /// Starts a breaker, closed.
  /// - Parameter spawner: The system, or the context of the actor that is to be its parent.
  public init(in spawner: some Spawner, _ name: String? = nil, options: Options = Options()) {
    guard options.maxFailures >= 1, options.trials >= 1, options.callTimeout > .zero, options.resetTimeout > .zero
    else { fatalError("Troupe: not a circuit breaker: \(options)") }
    self.options = options
    gate = spawner.spawn(name) { BreakerGate(options) }
  }

  /// Asks an actor, if the breaker lets it through: see `Address.ask`, whose errors come as `.failed`.
  public nonisolated(nonsending) func ask<Message: ~Copyable, Value: ~Copyable>(
    _ target: Address<Message>, fileID: StaticString = #fileID, line: UInt = #line,
    _ message: (consuming Reply<Value>) -> sending Message
  ) async throws(CircuitBreakerError) -> sending Value {
    let pass = try await enter(fileID, line)
    let value: Value
    do throws(AskError) {
      value = try await target.ask(timeout: options.callTimeout, fileID: fileID, line: line, message)
    } catch {
      pass.leave(verdict(error))
      throw .failed(error)
    }
    pass.leave(.success)
    return handingOn(value)
  }

  private nonisolated(nonsending) func enter(_ fileID: StaticString, _ line: UInt) async throws(CircuitBreakerError)
    -> BreakerPass
  {
    let entry: BreakerGate.Entry
    do throws(AskError) {
      // The breaker itself answers at once.
      entry = try await gate.ask(timeout: nil, fileID: fileID, line: line) { reply in .enter(reply) }
    } catch { throw .failed(error) }
    switch consume entry {
    case .pass(let pass): return pass
    case .refused(let retryAfter): throw .open(retryAfter: retryAfter)
    }
  }

  private func verdict(_ error: AskError) -> BreakerGate.Verdict {
    switch error.reason {
    // They say nothing about the actor.
    case .cancelled, .cycle: .neither
    default: options.isFailure(error) ? .failure : .success
    }
  }

  /// The state at this moment. See `Address.ask` for errors and cancellation.
  public nonisolated(nonsending) func state() async throws(AskError) -> State {
    try await gate.ask { reply in .state(reply) }
  }

  /// Sends the state as it is, and each one that follows, until the observer ends.
  public func observe(_ observer: Address<State>) { gate.send(.observe(observer)) }
}

/// Why an ask through a circuit breaker got no answer.
public enum CircuitBreakerError: Error, Sendable, CustomStringConvertible {
  /// The actor was not asked. The breaker tries it again after so long, zero if a trial is under way.
  case open(retryAfter: Duration)
  /// It was asked, and this came of it; or the breaker itself has ended.
  case failed(AskError)

  /// One line for a log.
  public var description: String {
    switch self {
    case .open(let retryAfter): "the circuit breaker is open; it tries again in \(retryAfter)"
    case .failed(let error): error.description
    }
  }
}
