/// Publishes events within a process: every event goes to every subscriber, as a message.
///
/// ```swift
/// let prices = EventStream<Price>(in: system, "prices")
/// prices.subscribe(context.address.contramap { .price($0) }, where: { $0.symbol == "TEA" })
/// prices.publish(Price("TEA", 7))
/// ```
/// A subscriber gets the events that are published after its subscription, and those of one publisher in order. One
/// that ends is removed. If the bounded mailbox of a subscriber is full, it misses the event, which becomes a dead
/// letter. A stream may be used from any thread, and only `subscriberCount` waits.
public struct EventStream<Event: Sendable>: Sendable {
  private let hub: Address<EventHub<Event>.Message>
  /// The address of the stream: each message that is sent to it is published as an event.
  public let publisher: Address<Event>

  /// Starts a stream.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be the parent of the stream's actor.
  ///   - name: The name of the stream's actor; nil gives it a number.
  ///   - options: The options of the stream's actor. It must not be restarted by hand, since it would forget its
  ///     subscribers.
  public init(in spawner: some Spawner, _ name: String? = nil, options: SpawnOptions = SpawnOptions()) {
    hub = spawner.spawn(name, options: options) { EventHub<Event>() }
    publisher = hub.contramap { event in .publish(event) }
  }

  /// Sends an event to all subscribers. It takes O(1) here, and O(n) on a worker.
  public func publish(_ event: Event) { hub.send(.publish(event)) }

  /// Sends the subscriber, from now on, every event that the filter accepts. Subscribing an address again replaces its
  /// filter.
  /// - Parameters:
  ///   - subscriber: The address that the events are sent to.
  ///   - filter: Runs on the stream's worker, so it must not block; nil lets every event pass.
  public func subscribe(_ subscriber: Address<Event>, where filter: (@Sendable (Event) -> Bool)? = nil) {
    hub.send(.subscribe(subscriber, filter))
  }

  /// Ends a subscription. No event is sent any more, but some may be on their way. The address must be the one that was
  /// subscribed.
  public func unsubscribe(_ subscriber: Address<Event>) { hub.send(.unsubscribe(subscriber)) }

  /// The number of subscribers. See `Address.ask` for errors and cancellation.
  public nonisolated(nonsending) func subscriberCount() async throws(AskError) -> Int {
    try await hub.ask { reply in .count(reply) }
  }
}

/// The actor behind `EventStream`.
struct EventHub<Event: Sendable>: Behavior {
  enum Message: ~Copyable {
    case publish(Event)
    case subscribe(Address<Event>, (@Sendable (Event) -> Bool)?)
    case unsubscribe(Address<Event>)
    case count(Reply<Int>)
  }

  private var subscribers = AddressList<Event>()
  private var filters: [Address<Event>: @Sendable (Event) -> Bool] = [:]

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .publish(let event):
      for subscriber in subscribers.all where filters[subscriber]?(event) ?? true { subscriber.send(event) }
    case .subscribe(let subscriber, let filter):
      if !subscribers.contains(subscriber.actor) { context.watch(subscriber) }
      _ = subscribers.insert(subscriber)
      filters[subscriber] = filter
    case .unsubscribe(let subscriber):
      subscribers.remove(subscriber)
      filters[subscriber] = nil
      if !subscribers.contains(subscriber.actor) { context.unwatch(subscriber) }
    case .count(let reply): reply.send(subscribers.count)
    }
  }

  mutating func signal(_ signal: Signal, in context: Context<Message>) {
    guard case .terminated(let end) = signal else { return }
    for subscriber in subscribers.remove(end.actor) { filters[subscriber] = nil }
  }
}
