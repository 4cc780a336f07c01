public import Troupe

/// One behavior by itself: give it a message, and look at what it did.
///
/// ```swift
/// let tester = BehaviorTester { Feed(store: store) }
/// let effects = tester.give(.price("A", 3))
/// #expect(effects == [.sent("Store.Message.save", to: store.path)])
/// ```
/// It lives in a small simulation of its own, first come, first served, in which children that it spawns and probes run too. It is named `tested`, and is not
/// restarted when it fails, unless asked.
///
/// Sendable because it is touched by the thread that drives the simulation.
public final class BehaviorTester<Message: ~Copyable>: @unchecked Sendable {
  /// Where it lives: for probes, and to let time pass. If it was not given, it ends with the tester.
  public let simulation: Simulation
  /// Its address.
  public let address: Address<Message>
  private let number: Int
  private let ownsSimulation: Bool
  private var seen = 0

  /// Starts the behavior. What it did in `started` are the first `effects`.
  public convenience init<B: Behavior & ~Copyable>(
    simulation: Simulation? = nil, supervision: Supervision = .stop, _ factory: @escaping @Sendable () throws -> B
  ) where B.Message == Message {
    self.init(simulation) { $0.spawn("tested", options: SpawnOptions(supervision: supervision), factory) }
  }

  /// The same for one whose handlers may await.
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

  // What it was made of may hold probes, and so the simulation.
  deinit { if ownsSimulation { simulation.abandon() } }

  /// Sends it a message, runs until nothing can run, and returns what it did since `effects` were last looked at.
  @discardableResult
  public func give(_ message: consuming sending Message) -> [Effect] {
    address.send(message)
    return effects()
  }

  /// Runs until nothing can run, lets so much virtual time pass, and returns what it did since this was last asked.
  public func effects(after duration: Duration = .zero) -> [Effect] {
    simulation.advance(by: duration)
    let (events, paths) = simulation.recorder.events(from: seen)
    seen += events.count
    return events.compactMap { $0.effect(of: number, paths) }
  }

  /// Asks it, and returns the answer or throws the `AskError`; a `SimulationFailure` if nothing comes at all.
  public func ask<Value: Sendable>(
    timeout: Duration? = .seconds(5), _ message: @escaping @Sendable (consuming Reply<Value>) -> sending Message
  ) throws -> Value {
    let address = address
    return try simulation.start("ask") { try await address.ask(timeout: timeout, message) }.value()
  }
}
