public import Troupe

/// An actor of the test's own: give its address to what is tested, and say what should come.
///
/// ```swift
/// let probe = simulation.probe(of: Price.self)
/// feed.send(.subscribe(probe.address))
/// try probe.expect(Price(symbol: "A", amount: 3))
/// try probe.expectNone()
/// ```
/// What waits here runs the simulation; time passes when nothing else can happen.
///
/// Sendable because it is touched by the thread of the simulation.
public final class Probe<Message: ~Copyable>: @unchecked Sendable {
  /// Where to send to. Unbounded.
  public let address: Address<Message>
  private let inbox: ProbeInbox<Message>
  let simulation: Simulation

  init(_ name: String, _ simulation: Simulation) {
    let inbox = ProbeInbox<Message>()
    self.inbox = inbox
    self.simulation = simulation
    address = Recorder.$isKit.withValue(true) {
      simulation.system.spawn(name) { ProbeBehavior(inbox: inbox) }
    }
  }

  /// How many messages have come and were not looked at.
  public var count: Int { inbox.messages.count }

  /// Waits for the next message, and takes it.
  /// - Parameter limit: How much virtual time may pass.
  public func next(within limit: Duration = .seconds(5)) throws(SimulationFailure) -> Message {
    _ = simulation.drive(until: { !self.inbox.messages.isEmpty }, for: limit)
    guard let message = inbox.take() else {
      throw simulation.failure(
        .expectation, "\(address.path) expected a message within \(limit), and none came\(simulation.openEnds)")
    }
    return message
  }

  /// Runs until nothing can run, and then lets so much virtual time pass; throws if a message comes, or has come before and was not taken.
  public func expectNone(for duration: Duration = .zero) throws(SimulationFailure) {
    _ = simulation.drive(until: { !self.inbox.messages.isEmpty }, for: duration)
    if inbox.messages.isEmpty { return }
    throw simulation.failure(
      .expectation, "\(address.path) expected no message, and \(inbox.messages.count) came: \(inbox.text)")
  }

  /// From now on the probe hears of the end of that actor.
  public func watch<Other: ~Copyable>(_ other: Address<Other>) { address.startWatching(other) }

  /// Waits for the end of an actor that the probe watches.
  /// - Parameter limit: How much virtual time may pass.
  @discardableResult
  public func expectTermination<Other: ~Copyable>(
    of other: Address<Other>, within limit: Duration = .seconds(5)
  ) throws(SimulationFailure) -> Termination {
    let find = { self.inbox.terminations.firstIndex { $0.isOf(other) } }
    _ = simulation.drive(until: { find() != nil }, for: limit)
    guard let index = find() else {
      throw simulation.failure(.expectation, "\(other.path) was expected to end within \(limit), and lives")
    }
    return inbox.terminations.remove(at: index)
  }
}

extension Probe where Message: Copyable {
  /// The messages that have come and were not looked at, oldest first.
  public var messages: [Message] { inbox.messages.compactMap { $0.message } }

  /// Waits for the next message, which must fulfil the condition, and takes it.
  @discardableResult
  public func expect(
    within limit: Duration = .seconds(5), where matches: (Message) -> Bool
  ) throws(SimulationFailure) -> Message {
    let message = try next(within: limit)
    if matches(message) { return message }
    throw simulation.failure(.expectation, "\(address.path) did not expect \(message)")
  }

  /// Waits for the next message, which must be of that type, and takes it.
  @discardableResult
  public func expect<Wanted>(
    _ type: Wanted.Type, within limit: Duration = .seconds(5)
  ) throws(SimulationFailure) -> Wanted {
    let message = try next(within: limit)
    if let wanted = message as? Wanted { return wanted }
    throw simulation.failure(.expectation, "\(address.path) expected a \(type) and got \(message)")
  }

  /// Waits for a message that fulfils the condition, and takes it and those before it.
  @discardableResult
  public func skip(
    to limit: Duration = .seconds(5), where matches: (Message) -> Bool
  ) throws(SimulationFailure) -> Message {
    let end = simulation.now + limit
    while true {
      let message = try next(within: max(.zero, end - simulation.now))
      if matches(message) { return message }
    }
  }
}

extension Probe where Message: Equatable {
  /// Waits for the next message, which must be equal to this one, and takes it.
  public func expect(_ expected: Message, within limit: Duration = .seconds(5)) throws(SimulationFailure) {
    let message = try next(within: limit)
    if message == expected { return }
    throw simulation.failure(.expectation, "\(address.path) expected \(expected) and got \(message)")
  }
}

extension Simulation {
  /// Makes a probe.
  /// - Parameter name: The name of its actor; nil: a number.
  public func probe<Message: ~Copyable>(_ name: String? = nil, of type: Message.Type = Message.self) -> Probe<Message> {
    probes += 1
    return Probe(name ?? "probe\(probes)", self)
  }
}

/// What a probe has got. Touched by the thread of the simulation.
final class ProbeInbox<Message: ~Copyable>: @unchecked Sendable {
  /// A place for what cannot be in an array.
  final class Box {
    var message: Message?
    init(_ message: consuming Message) { self.message = consume message }
  }
  var messages: [Box] = []
  var terminations: [Termination] = []

  func take() -> Message? { messages.isEmpty ? nil : messages.removeFirst().message.take() }
  var text: String { plain(typeName(Message.self)) }
}

struct ProbeBehavior<Message: ~Copyable>: Behavior {
  let inbox: ProbeInbox<Message>

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    inbox.messages.append(ProbeInbox.Box(message))
  }
  mutating func signal(_ signal: Signal, in context: Context<Message>) {
    if case .terminated(let termination) = signal { inbox.terminations.append(termination) }
  }
}
