public import Troupe

/// Tests one behavior by itself: gives it messages, and returns what it did.
///
/// ```swift
/// let tester = BehaviorTester { Feed(store: store) }
/// let effects = tester.give(.price("A", 3))
/// #expect(effects == [.sent("Store.Message.save", to: store.path)])
/// ```
/// The behavior lives in a small simulation of its own, whose actors run first come, first served. Children that it
/// spawns, and probes, run there too. Its actor is named `tested`, and is not restarted when it fails, unless you ask
/// for it.
///
/// Sendable because only the thread that drives the simulation touches it.
public final class BehaviorTester<Message: ~Copyable>: @unchecked Sendable {
  /// The simulation that the behavior lives in; use it for probes and to let time pass. If it was not given to the
  /// initializer, it ends with the tester.
  public let simulation: Simulation
  /// The address of the tested actor.
  public let address: Address<Message>
  private let number: Int
  private let ownsSimulation: Bool
  private var seen = 0

  /// Starts the behavior. What it does in `started` is at the beginning of the first `effects`.
  /// - Parameters:
  ///   - simulation: The simulation to live in; nil makes one.
  ///   - supervision: What happens when the behavior fails.
  ///   - factory: Makes the behavior, also when it is restarted.
  public convenience init<B: Behavior & ~Copyable>(
    simulation: Simulation? = nil, supervision: Supervision = .stop, _ factory: @escaping @Sendable () throws -> B
  ) where B.Message == Message {
    self.init(simulation) { $0.spawn("tested", options: SpawnOptions(supervision: supervision), factory) }
  }

  /// Starts a behavior whose handlers may await. What it does in `started` is at the beginning of the first
  /// `effects`.
  /// - Parameters:
  ///   - simulation: The simulation to live in; nil makes one.
  ///   - supervision: What happens when the behavior fails.
  ///   - factory: Makes the behavior, also when it is restarted.
  public convenience init<B: AsyncBehavior & ~Copyable>(
    simulation: Simulation? = nil, supervision: Supervision = .stop, _ factory: @escaping @Sendable () throws -> B
  ) where B.Message == Message {
    self.init(simulation) { $0.spawn("tested", options: SpawnOptions(supervision: supervision), factory) }
  }

  private init(_ given: Simulation?, _ spawn: (ActorSystem) -> Address<Message>) {
    let simulation = given ?? Simulation(seed: 0, options: Simulation.Options(strategy: .firstComeFirstServed))
    self.simulation = simulation
    ownsSimulation = given == nil
    number = simulation.recorder.spawned
    address = spawn(simulation.system)
    simulation.runUntilIdle()
  }

  // What the behavior was made of may hold probes, and so the simulation.
  deinit { if ownsSimulation { simulation.abandon() } }

  /// Sends the behavior a message, runs until nothing can run, and returns what it did since `effects` was called
  /// last.
  @discardableResult
  public func give(_ message: consuming sending Message) -> [Effect] {
    address.send(message)
    return effects()
  }

  /// Runs until nothing can run, lets that much virtual time pass, and returns what the behavior did since the last
  /// call.
  public func effects(after duration: Duration = .zero) -> [Effect] {
    simulation.advance(by: duration)
    let (events, paths) = simulation.recorder.events(from: seen)
    seen += events.count
    return events.compactMap { $0.effect(of: number, paths) }
  }

  /// Asks the behavior, runs the simulation until it replies, and returns its answer.
  ///
  /// It throws the `AskError` if the ask fails, and a `SimulationFailure` if nothing comes at all.
  /// - Parameters:
  ///   - timeout: How much virtual time the answer may take.
  ///   - message: Makes the message, given the reply that it carries.
  public func ask<Value: Sendable>(
    timeout: Duration? = .seconds(5), _ message: @escaping @Sendable (consuming Reply<Value>) -> sending Message
  ) throws -> Value {
    let address = address
    return try simulation.start("ask") { try await address.ask(timeout: timeout, message) }.value()
  }
}
