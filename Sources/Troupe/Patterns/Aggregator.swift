/// What an aggregator has collected.
public struct Aggregation<Value: Sendable>: Sendable {
  /// In the order in which they came.
  public let values: [Value]
  /// All that were expected have come; else the time was over, or the aggregator was stopped.
  public let isComplete: Bool
}

/// Collects a number of values, or what has come by a deadline, and sends them on as one result.
///
/// ```swift
/// let votes = Aggregator<Vote>(in: context, expecting: 5, within: .seconds(1), to: context.address.contramap { .votes($0) })
/// for member in members { member.send(.vote(on: bill, to: votes.address)) }
/// ```
/// It is an actor of its own, which ends with its result; exactly one is sent. Values that come later become dead letters.
public struct Aggregator<Value: Sendable>: Sendable {
  /// Where the values go.
  public let address: Address<Value>

  /// Starts an aggregator.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be its parent.
  ///   - count: Values to wait for; below 0 stops the program, 0 is complete at once.
  ///   - time: How long to wait for them; nil waits without limit.
  ///   - receiver: Gets the result.
  public init(
    in spawner: some Spawner, _ name: String? = nil, expecting count: Int, within time: Duration?,
    to receiver: Address<Aggregation<Value>>
  ) {
    guard count >= 0 else { fatalError("Troupe: an aggregator expects 0 values or more, not \(count)") }
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

  // Also when it is stopped by others: what has come is not lost.
  mutating func stopping(in context: Context<Message>) { finish(in: context) }

  private mutating func finish(in context: Context<Message>) {
    guard let receiver else { return }
    self.receiver = nil
    receiver.send(Aggregation(values: values, isComplete: values.count == count))
    context.stop()
  }
}

extension Spawner {
  /// Asks several actors at once, and sends all the answers, or why there was none, as one message, in the order of the actors.
  ///
  /// ```swift
  /// context.askAll(members, to: context.address.contramap { .votes($0) }) { .vote($0) }
  /// ```
  /// The result comes when the last has answered, failed or had its time. The asker is an actor of its own; if it is stopped before,
  /// no result is sent.
  /// - Parameters:
  ///   - targets: Whom to ask.
  ///   - timeout: How long each may take; nil waits without limit.
  ///   - receiver: Gets the result.
  ///   - request: Makes the message for each.
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

/// Asks, and waits for all that comes of it.
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
