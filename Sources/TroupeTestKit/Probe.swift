public import Troupe

/// An actor that belongs to the test: give its address to the code that is tested, and say which messages should
/// come.
///
/// ```swift
/// let probe = simulation.probe(of: Price.self)
/// feed.send(.subscribe(probe.address))
/// try probe.expect(Price(symbol: "A", amount: 3))
/// try probe.expectNone()
/// ```
/// A call that waits runs the simulation, and lets virtual time pass when nothing else can happen. Such calls throw a
/// `SimulationFailure` if what they expect does not come.
///
/// Sendable because only the thread of the simulation touches it.
public final class Probe<Message: ~Copyable>: @unchecked Sendable {
  /// The address to send to. The probe's mailbox is unbounded.
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

  /// How many messages have come and were not taken yet.
  public var count: Int { inbox.messages.count }

  /// Waits for the next message, and takes it.
  /// - Parameter limit: How much virtual time may pass before it comes.
  public func next(within limit: Duration = .seconds(5)) throws(SimulationFailure) -> Message {
    _ = simulation.drive(until: { !self.inbox.messages.isEmpty }, for: limit)
    guard let message = inbox.take() else {
      throw simulation.failure(
        .expectation, "\(address.path) expected a message within \(limit), and none came\(simulation.openEnds)")
    }
    return message
  }

  /// Runs until nothing can run, and then lets that much virtual time pass. It throws if a message comes, or if one
  /// has come before and was not taken.
  public func expectNone(for duration: Duration = .zero) throws(SimulationFailure) {
    _ = simulation.drive(until: { !self.inbox.messages.isEmpty }, for: duration)
    if inbox.messages.isEmpty { return }
    throw simulation.failure(
      .expectation, "\(address.path) expected no message, and \(inbox.messages.count) came: \(inbox.text)")
  }

  /// Makes the probe watch an actor, so that `expectTermination` can wait for the actor's end.
  public func watch<Other: ~Copyable>(_ other: Address<Other>) { address.startWatching(other) }

  /// Waits for the end of an actor that the probe watches.
  /// - Parameters:
  ///   - other: The actor whose end to wait for.
  ///   - limit: How much virtual time may pass before the actor ends.
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
  /// The messages that have come and were not taken yet, oldest first.
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

  /// Waits for a message that fulfils the condition, and takes it together with those before it.
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
  /// Makes a probe, which is an actor of this simulation.
  /// - Parameters:
  ///   - name: The name of its actor; nil gives it a numbered name.
  ///   - type: The type of its messages.
  public func probe<Message: ~Copyable>(_ name: String? = nil, of type: Message.Type = Message.self) -> Probe<Message> {
    probes += 1
    return Probe(name ?? "probe\(probes)", self)
  }
}

/// Holds what a probe has received. Only the thread of the simulation touches it.
final class ProbeInbox<Message: ~Copyable>: @unchecked Sendable {
  /// Holds a message that may not be copyable, because an array cannot hold such a message itself.
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
