/// Stops asking an actor that fails again and again, and tries it once in a while (Nygard, "Release It!").
///
/// ```swift
/// let breaker = CircuitBreaker(in: system, "bank", options: .init(maxFailures: 3, resetTimeout: .seconds(10)))
/// let isPaid = try await breaker.ask(bank) { .pay(5, $0) }
/// ```
/// The breaker has three states. When it is *closed*, every ask goes through; after `maxFailures` failures in a row it
/// opens. When it is *open*, asks fail at once without reaching the actor, until `resetTimeout` has passed. When it is
/// *half-open*, up to `trials` asks at a time go through: a success closes the breaker, and a failure opens it again.
/// An ask whose task was cancelled counts as neither. The result of an ask that began before the last change of state
/// is ignored.
///
/// Copies of a breaker share its state, which an actor keeps; so each ask costs one more ask, of that actor. It may be
/// used from any task; in a handler, use it inside `context.pipe`.
public struct CircuitBreaker: Sendable {
  /// Whether a breaker lets asks through.
  public enum State: Sendable, Hashable {
    /// All asks go through.
    case closed
    /// All asks fail at once.
    case open
    /// Some asks go through, as trials.
    case halfOpen
  }

  /// The settings of a breaker.
  public struct Options: Sendable {
    /// The number of failures in a row after which the breaker opens. Below 1 stops the program.
    public var maxFailures: Int
    /// How long an ask may take before it counts as a failure. Zero or less stops the program.
    public var callTimeout: Duration
    /// How long the breaker stays open. Zero or less stops the program.
    public var resetTimeout: Duration
    /// The number of asks that are let through at a time while the breaker is half-open. Below 1 stops the program.
    public var trials: Int
    /// Decides which errors count as failures; the others count as successes. It is not called for an ask that was
    /// cancelled or that would wait for itself, which count as neither.
    public var isFailure: @Sendable (AskError) -> Bool

    /// Makes options with the default for everything that is not given.
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

  /// Starts a breaker, which is closed at first.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be the parent of the breaker's actor.
  ///   - name: The name of the breaker's actor.
  ///   - options: When the breaker opens, and when it tries again.
  public init(in spawner: some Spawner, _ name: String? = nil, options: Options = Options()) {
    guard options.maxFailures >= 1, options.trials >= 1, options.callTimeout > .zero, options.resetTimeout > .zero
    else {
      fatalError(
        "Troupe: a circuit breaker needs at least 1 failure and 1 trial, and timeouts above 0, "
          + "but its options are \(options)")
    }
    self.options = options
    gate = spawner.spawn(name) { BreakerGate(options) }
  }

  /// Asks an actor, if the breaker lets the ask through. It waits, fails and is cancelled as `Address.ask` is, whose
  /// errors come as `CircuitBreakerError.failed`. If the breaker is open it throws `open` at once.
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
    return assumeDisconnected(value)
  }

  private nonisolated(nonsending) func enter(_ fileID: StaticString, _ line: UInt) async throws(CircuitBreakerError)
    -> BreakerPass
  {
    let entry: BreakerGate.Entry
    do throws(AskError) {
      // There is no timeout, since the breaker's actor answers at once.
      entry = try await gate.ask(timeout: nil, fileID: fileID, line: line) { reply in .enter(reply) }
    } catch { throw .failed(error) }
    switch consume entry {
    case .pass(let pass): return pass
    case .refused(let retryAfter): throw .open(retryAfter: retryAfter)
    }
  }

  private func verdict(_ error: AskError) -> BreakerGate.Verdict {
    switch error.reason {
    // These errors say nothing about the actor that was asked.
    case .cancelled, .cycle: .neither
    default: options.isFailure(error) ? .failure : .success
    }
  }

  /// The state of the breaker at this moment. See `Address.ask` for errors and cancellation.
  public nonisolated(nonsending) func state() async throws(AskError) -> State {
    try await gate.ask { reply in .state(reply) }
  }

  /// Sends the observer the present state and each one that follows, until the observer ends.
  public func observe(_ observer: Address<State>) { gate.send(.observe(observer)) }
}

/// Says why an ask through a circuit breaker got no answer.
public enum CircuitBreakerError: Error, Sendable, CustomStringConvertible {
  /// The actor was not asked. The breaker tries it again after this time, which is zero if a trial is under way.
  case open(retryAfter: Duration)
  /// The actor was asked and this is the error, or the breaker's own actor has ended.
  case failed(AskError)

  /// One line for a log.
  public var description: String {
    switch self {
    case .open(let retryAfter): "the circuit breaker is open; it tries again in \(retryAfter)"
    case .failed(let error): error.description
    }
  }
}
