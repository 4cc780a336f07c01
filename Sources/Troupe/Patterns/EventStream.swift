/// Publishing and subscribing within a process: every event goes to every subscriber, as a message.
///
/// ```swift
/// let prices = EventStream<Price>(in: system, "prices")
/// prices.subscribe(context.address.contramap { .price($0) }, where: { $0.symbol == "TEA" })
/// prices.publish(Price("TEA", 7))
/// ```
/// A subscriber hears the events that are published after its subscription, those of one publisher in order. One that ends is
/// removed. One whose bounded mailbox is full misses the event: it becomes a dead letter. From any thread; nothing here waits.
public struct EventStream<Event: Sendable>: Sendable {
  private let hub: Address<EventHub<Event>.Message>
  /// Publishes what is sent to it.
  public let publisher: Address<Event>

  /// Starts a stream.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be its parent.
  ///   - options: Of the actor that passes the events on. It must not be restarted by hand: it would forget its subscribers.
  public init(in spawner: some Spawner, _ name: String? = nil, options: SpawnOptions = SpawnOptions()) {
    hub = spawner.spawn(name, options: options) { EventHub<Event>() }
    publisher = hub.contramap { event in .publish(event) }
  }

  /// Sends an event to those who have subscribed. O(n) on a worker, O(1) here.
  public func publish(_ event: Event) { hub.send(.publish(event)) }

  /// Sends the subscriber every event from now on for which the filter says yes. To subscribe an address again only replaces its
  /// filter.
  /// - Parameter filter: Runs on the stream's worker; nil lets everything pass.
  public func subscribe(_ subscriber: Address<Event>, where filter: (@Sendable (Event) -> Bool)? = nil) {
    hub.send(.subscribe(subscriber, filter))
  }

  /// No event is sent any more; some may be on their way. Takes the same address that was subscribed.
  public func unsubscribe(_ subscriber: Address<Event>) { hub.send(.unsubscribe(subscriber)) }

  /// How many are subscribed. See `Address.ask` for errors and cancellation.
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

  private var subscribers = Roster<Event>()
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
