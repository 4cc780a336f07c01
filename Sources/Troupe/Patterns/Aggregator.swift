/// The result of an aggregator.
public struct Aggregation<Value: Sendable>: Sendable {
  /// The values in the order in which they came.
  public let values: [Value]
  /// Whether all values that were expected have come. If not, the time was over or the aggregator was stopped.
  public let isComplete: Bool
}

/// Collects a number of values, or what has come by a deadline, and sends them on as one result.
///
/// ```swift
/// let votes = Aggregator<Vote>(
///   in: context, expecting: 5, within: .seconds(1), to: context.address.contramap { .votes($0) })
/// for member in members { member.send(.vote(on: bill, to: votes.address)) }
/// ```
/// The aggregator is an actor of its own, which ends with its result. It sends exactly one result. Values that come
/// later become dead letters.
public struct Aggregator<Value: Sendable>: Sendable {
  /// The address that the values are sent to.
  public let address: Address<Value>

  /// Starts an aggregator.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be the aggregator's parent.
  ///   - name: The name of the aggregator's actor; nil gives it a number.
  ///   - count: The number of values to wait for; with 0 the result comes at once. Below 0 stops the program.
  ///   - time: How long to wait for the values; nil waits without limit.
  ///   - receiver: The address that gets the result.
  public init(
    in spawner: some Spawner, _ name: String? = nil, expecting count: Int, within time: Duration?,
    to receiver: Address<Aggregation<Value>>
  ) {
    guard count >= 0 else {
      fatalError("Troupe: the number of values that an aggregator expects must not be negative, and is \(count)")
    }
    let collector = spawner.spawn(name, behavior: Collector(count, time, receiver))
    address = collector.contramap { value in .value(value) }
  }
}

/// The actor behind `Aggregator`.
struct Collector<Value: Sendable>: Behavior {
  enum Message: Sendable { case value(Value), timeIsOver }

  private let count: Int
  private let time: Duration?
  private var receiver: Address<Aggregation<Value>>?
  private var values: [Value] = []

  init(_ count: Int, _ time: Duration?, _ receiver: Address<Aggregation<Value>>) {
    self.count = count
    self.time = time
    self.receiver = receiver
  }

  mutating func started(in context: Context<Message>) {
    if count == 0 { return finish(in: context) }
    if let time { context.timers.once(0, after: time, .timeIsOver) }
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .value(let value):
      values.append(value)
      if values.count == count { finish(in: context) }
    case .timeIsOver: finish(in: context)
    }
  }

  // The result is also sent when others stop this actor, so what has come is not lost.
  mutating func stopping(in context: Context<Message>) { finish(in: context) }

  private mutating func finish(in context: Context<Message>) {
    guard let receiver else { return }
    self.receiver = nil
    receiver.send(Aggregation(values: values, isComplete: values.count == count))
    context.stop()
  }
}

extension Spawner {
  /// Asks several actors at once, and sends all results as one message: in the order of the actors, an answer or an
  /// error for each.
  ///
  /// ```swift
  /// context.askAll(members, to: context.address.contramap { .votes($0) }) { .vote($0) }
  /// ```
  /// The result comes when the last actor has answered or failed, or its time has passed. An actor of its own asks; if
  /// that is stopped before, no result is sent.
  /// - Parameters:
  ///   - targets: The actors to ask.
  ///   - timeout: How long each may take; nil waits without limit.
  ///   - fileID: The file that the errors name; leave it as it is.
  ///   - line: The line that the errors name; leave it as it is.
  ///   - receiver: The address that gets the result.
  ///   - request: Makes the message for each actor.
  public func askAll<Target: ~Copyable, Value: Sendable>(
    _ targets: [Address<Target>], timeout: Duration? = .seconds(5), fileID: StaticString = #fileID, line: UInt = #line,
    to receiver: Address<[Result<Value, AskError>]>,
    _ request: @escaping @Sendable (consuming Reply<Value>) -> sending Target
  ) {
    _ = spawn(
      behavior: Asker(count: targets.count, receiver) { context in
        for (index, target) in targets.enumerated() {
          context.ask(target, timeout: timeout, fileID: fileID, line: line, request) { result in
            Asker<Value>.Message(index: index, result: result)
          }
        }
      })
  }
}

/// The actor behind `askAll`: it asks, and waits for all the results.
struct Asker<Value: Sendable>: Behavior {
  struct Message: Sendable {
    let index: Int
    let result: Result<Value, AskError>
  }

  private let receiver: Address<[Result<Value, AskError>]>
  private let ask: @Sendable (Context<Message>) -> Void
  private var results: [Result<Value, AskError>?]
  private var missing: Int

  init(
    count: Int, _ receiver: Address<[Result<Value, AskError>]>, ask: @escaping @Sendable (Context<Message>) -> Void
  ) {
    self.receiver = receiver
    self.ask = ask
    results = Array(repeating: nil, count: count)
    missing = count
  }

  mutating func started(in context: Context<Message>) {
    ask(context)
    if missing == 0 { finish(in: context) }
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    results[message.index] = message.result
    missing -= 1
    if missing == 0 { finish(in: context) }
  }

  private func finish(in context: Context<Message>) {
    receiver.send(results.compactMap { $0 })
    context.stop()
  }
}
