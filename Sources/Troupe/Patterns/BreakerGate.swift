/// The actor behind `CircuitBreaker`, which keeps its state.
struct BreakerGate: Behavior {
  enum Message: ~Copyable {
    case enter(Reply<Entry>)
    case left(round: Int, Verdict)
    case resetIsDue
    case state(Reply<CircuitBreaker.State>)
    case observe(Address<CircuitBreaker.State>)
  }
  enum Entry: ~Copyable, Sendable {
    case pass(BreakerPass)
    case refused(retryAfter: Duration)
  }
  enum Verdict: Sendable { case success, failure, neither }

  private let options: CircuitBreaker.Options
  private var state = CircuitBreaker.State.closed
  /// A number that grows by one with each change of state.
  private var round = 0
  /// The failures in a row while the breaker is closed.
  private var failures = 0
  /// The trials under way while the breaker is half-open.
  private var trials = 0
  /// The time until which the breaker stays open.
  private var reset = Duration.zero
  private var observers = AddressList<CircuitBreaker.State>()

  init(_ options: CircuitBreaker.Options) { self.options = options }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .enter(let reply): enter(reply, in: context)
    case .left(let round, let verdict): if round == self.round { left(verdict, in: context) }
    case .resetIsDue: change(to: .halfOpen, in: context)
    case .state(let reply): reply.send(state)
    case .observe(let observer):
      if observers.insert(observer) {
        context.watch(observer)
        observer.send(state)
      }
    }
  }

  private mutating func enter(_ reply: consuming Reply<Entry>, in context: Context<Message>) {
    switch state {
    case .closed: reply.send(.pass(BreakerPass(gate: context.address, round: round)))
    case .open: reply.send(.refused(retryAfter: max(.zero, reset - context.now)))
    case .halfOpen:
      if reply.isAbandoned { return }
      guard trials < options.trials else { return reply.send(.refused(retryAfter: .zero)) }
      trials += 1
      reply.send(.pass(BreakerPass(gate: context.address, round: round)))
    }
  }

  private mutating func left(_ verdict: Verdict, in context: Context<Message>) {
    trials = max(0, trials - 1)
    switch (state, verdict) {
    case (_, .neither), (.open, _): return
    case (.closed, .success): failures = 0
    case (.closed, .failure):
      failures += 1
      if failures >= options.maxFailures { change(to: .open, in: context) }
    case (.halfOpen, .success): change(to: .closed, in: context)
    case (.halfOpen, .failure): change(to: .open, in: context)
    }
  }

  private mutating func change(to state: CircuitBreaker.State, in context: Context<Message>) {
    self.state = state
    round += 1
    failures = 0
    trials = 0
    if state == .open {
      reset = context.now + options.resetTimeout
      context.timers.once(0, after: options.resetTimeout, .resetIsDue)
    }
    context.log("the circuit breaker is \(state)")
    for observer in observers.all { observer.send(state) }
  }

  mutating func signal(_ signal: Signal, in context: Context<Message>) {
    if case .terminated(let end) = signal { observers.remove(end.actor) }
  }
}

/// The right to ask once. Its holder gives it back with the result of the ask. One that is destroyed unused, because
/// its asker was cancelled before it arrived, counts as neither success nor failure, so no trial is lost.
struct BreakerPass: ~Copyable, Sendable {
  private let gate: Address<BreakerGate.Message>
  /// The round in which it was given. A result that belongs to an earlier round says nothing about this one.
  private let round: Int
  private var verdict = BreakerGate.Verdict.neither

  init(gate: Address<BreakerGate.Message>, round: Int) {
    self.gate = gate
    self.round = round
  }

  consuming func leave(_ verdict: BreakerGate.Verdict) { self.verdict = verdict }

  deinit { gate.send(.left(round: round, verdict)) }
}
