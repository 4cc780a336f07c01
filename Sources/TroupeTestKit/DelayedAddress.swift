public import Troupe

extension Simulation {
  /// Makes an address that passes messages on to another one later, as a network would. Each message is delayed by a
  /// time that is drawn from the seed.
  ///
  /// The messages go through an actor of the kit, which ends with its target. Messages that are under way at that
  /// moment are lost, as dead letters.
  /// - Parameters:
  ///   - address: The address to put the new one in front of.
  ///   - delay: The shortest and the longest delay, in virtual time.
  ///   - keepsOrder: Whether a message waits for those that were sent before it.
  public func delayed<Message: ~Copyable>(
    _ address: Address<Message>, by delay: ClosedRange<Duration>, keepsOrder: Bool = true
  ) -> Address<Message> {
    relays += 1
    let random = SplitMix(seed: seed &+ UInt64(relays) &* 0x6465_6C61_79)
    let relay = Recorder.$isKit.withValue(true) {
      system.spawn("relay\(relays)") {
        Relay(target: address, delay: delay, keepsOrder: keepsOrder, random: random)
      }
    }
    return relay.contramap { .new($0) }
  }
}

private struct Relay<Payload: ~Copyable>: Behavior {
  enum Message: ~Copyable {
    case new(Payload)
    case due(Payload)
  }
  let target: Address<Payload>
  let delay: ClosedRange<Duration>
  let keepsOrder: Bool
  var random: SplitMix
  var sent = 0
  var lastDue = Duration.zero

  mutating func started(in context: Context<Message>) { context.watch(target) }
  mutating func signal(_ signal: Signal, in context: Context<Message>) {
    if case .terminated = signal { context.stop() }
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .due(let payload): target.send(disconnected(payload))
    case .new(let payload):
      let width = Int((delay.upperBound - delay.lowerBound) / .nanoseconds(1))
      var due = context.now + delay.lowerBound + .nanoseconds(random.below(width + 1))
      if keepsOrder { due = max(due, lastDue) }
      lastDue = due
      sent += 1
      context.timers.once(sent, after: due - context.now, .due(disconnected(payload)))
    }
  }
}
