import TestSupport
import Testing
import Troupe

@Suite(.spins) struct CircuitBreakerTests {
  /// Answers, fails or keeps silent, as it is told.
  final class Mood: @unchecked Sendable {
    private let current = Trail<String>()
    var value: String {
      get { current.all.last ?? "well" }
      set { current.append(newValue) }
    }
  }
  struct Patient: ~Copyable, Behavior {
    enum Message: ~Copyable { case ask(Reply<Int>) }
    let mood: Mood
    let asked: Counter
    var kept: Reply<Int>?
    init(_ mood: Mood, _ asked: Counter) { (self.mood, self.asked) = (mood, asked) }
    mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
      asked.add()
      switch consume message {
      case .ask(let reply):
        switch mood.value {
        case "well": reply.send(asked.value)
        case "silent": kept = .some(reply)
        default: throw Oops()
        }
      }
    }
  }

  struct Setting {
    let sim: Simulation
    let mood = Mood()
    let asked = Counter()
    let target: Address<Patient.Message>
    let breaker: CircuitBreaker
    let states = Trail<CircuitBreaker.State>()

    init(_ seed: UInt64, _ options: CircuitBreaker.Options) {
      sim = Simulation(seed: seed, supervision: .resume)
      let (mood, asked) = (mood, asked)
      target = sim.system.spawn { Patient(mood, asked) }
      breaker = CircuitBreaker(in: sim.system, "breaker", options: options)
      breaker.observe(
        sim.system.spawn(state: states) { (trail, state: consuming CircuitBreaker.State, _) in trail.append(state) })
    }

    func start() -> Outcome<Int> {
      let (breaker, target) = (breaker, target)
      return sim.start { try await breaker.ask(target) { .ask($0) } }
    }
    func ask() -> Outcome<Int> {
      let outcome = start()
      sim.run()
      return outcome
    }
  }

  private func isOpen<Value>(_ outcome: Outcome<Value>) -> Bool {
    if case .open = outcome.error as? CircuitBreakerError { true } else { false }
  }

  @Test(arguments: 0..<UInt64(16)) func `it opens after failures in a row, tries once, and closes`(seed: UInt64) {
    let it = Setting(seed, .init(maxFailures: 3, callTimeout: .seconds(1), resetTimeout: .seconds(10)))
    #expect(it.ask().value == 1)
    it.mood.value = "ill"
    for _ in 0..<2 { #expect(!isOpen(it.ask())) }
    it.mood.value = "well"
    #expect(it.ask().value == 4)
    it.mood.value = "ill"
    for _ in 0..<3 { #expect(!isOpen(it.ask())) }
    #expect(it.asked.value == 7)
    for _ in 0..<5 { #expect(isOpen(it.ask())) }
    #expect(it.asked.value == 7)
    it.sim.advance(by: .seconds(5))
    if case .open(let retryAfter) = it.ask().error as? CircuitBreakerError {
      #expect(retryAfter > .seconds(4) && retryAfter <= .seconds(5))
    } else {
      Issue.record("not open")
    }
    it.sim.advance(by: .seconds(6))
    // The trial fails, and it opens again.
    #expect(!isOpen(it.ask()))
    #expect(isOpen(it.ask()))
    it.sim.advance(by: .seconds(11))
    it.mood.value = "well"
    #expect(it.ask().value == 9)
    #expect(it.ask().value == 10)
    #expect(it.states.all == [.closed, .open, .halfOpen, .open, .halfOpen, .closed])
    it.sim.end()
    #expect(it.sim.system.counts.allDeadLetters == 0)
  }

  @Test(arguments: 0..<UInt64(32))
  func `half-open, one trial goes through at a time, and a cancelled one counts for nothing`(
    seed: UInt64
  ) {
    let it = Setting(seed, .init(maxFailures: 1, callTimeout: .seconds(5), resetTimeout: .seconds(1)))
    it.mood.value = "silent"
    let slow = it.start()
    it.sim.advance(by: .milliseconds(5_500))
    #expect(((slow.error as? CircuitBreakerError).map { "\($0)".contains("no answer within") }) == true)
    let breaker = it.breaker
    let state = it.sim.start { try await breaker.state() }
    it.sim.advance(by: .seconds(2))
    #expect(state.value == .open)
    let trials = (0..<4).map { _ in it.start() }
    it.sim.run()
    #expect(trials.count { isOpen($0) } == 3)
    for trial in trials { trial.cancel() }
    it.sim.run()
    #expect(trials.allSatisfy { $0.isOver })
    it.mood.value = "well"
    #expect(it.ask().value != nil)
    #expect(it.states.all == [.closed, .open, .halfOpen, .closed])
    it.sim.end()
  }

  @Test(arguments: 0..<UInt64(64)) func `no trial is lost whenever its asker is cancelled`(seed: UInt64) {
    let it = Setting(seed, .init(maxFailures: 1, resetTimeout: .seconds(1)))
    it.mood.value = "ill"
    _ = it.ask()
    it.sim.advance(by: .seconds(2))
    it.mood.value = "well"
    var random = Random(seed: seed)
    let trial = it.start()
    for _ in 0..<random.below(6) { _ = it.sim.scheduler.step() }
    trial.cancel()
    it.sim.run()
    #expect(it.ask().value != nil)
    it.sim.end()
  }

  @Test func `on threads it lets everything through while all is well`() async {
    let pool = Pooled(workers: 4)
    let mood = Mood()
    let asked = Counter()
    let target = pool.system.spawn { Patient(mood, asked) }
    let breaker = CircuitBreaker(in: pool.system)
    let count = Scale.count(300)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<count { _ = try? await breaker.ask(target) { .ask($0) } as Int }
        }
      }
    }
    #expect(asked.value == 4 * count)
    await pool.end()
  }
}
