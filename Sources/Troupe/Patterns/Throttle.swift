/// Lets messages through to an actor at a limited rate: a token bucket in front of its address.
///
/// ```swift
/// let slow = Throttle(in: system, "mail", to: mailer, rate: 100, per: .seconds(1), burst: 20)
/// slow.address.send(.mail(letter))
/// ```
/// What comes faster waits in the throttle's own mailbox, in order. Bound that by the options, and producers wait (`deliver`), get it
/// back (`trySend`) or make dead letters (`send`), as with any actor. It ends when its target ends, as soon as the next message
/// may pass.
///
/// While nothing may pass the throttle is suspended (`ActorSystem.suspend`); one that is resumed by hand lets a message through
/// early, and the ones after it wait for longer.
public struct Throttle<Message: ~Copyable>: Sendable {
  /// Where to send.
  public let address: Address<Message>

  /// Starts a throttle.
  ///
  /// A timer is some milliseconds late (see `Timers`), so a rate above some 100 messages a second is reached only with a burst that covers 10 ms.
  /// A rate or burst below 1, or a period of zero or less, stops the program.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be its parent.
  ///   - target: Gets the messages. If its bounded mailbox is full they become its dead letters.
  ///   - rate: Messages a period, on the average.
  ///   - burst: Messages that may pass at once after a pause; nil: a tenth of the rate, and at least 1.
  ///   - options: The throttle's.
  public init(
    in spawner: some Spawner, _ name: String? = nil, to target: Address<Message>, rate: Int,
    per period: Duration = .seconds(1), burst: Int? = nil, options: SpawnOptions = SpawnOptions()
  ) {
    let burst = burst ?? max(1, rate / 10)
    guard rate >= 1, burst >= 1, period > .zero else {
      fatalError("Troupe: not a throttle: \(rate) messages a \(period), \(burst) at once")
    }
    address = spawner.spawn(name, options: options) { Bucket(target, interval: period / rate, burst: burst) }
  }
}

/// The actor behind `Throttle`: a token bucket kept as one point in time, the generic cell rate algorithm (ITU-T I.371).
struct Bucket<Message: ~Copyable>: Behavior {
  private let target: Address<Message>
  /// One token's worth of time.
  private let interval: Duration
  /// How far ahead of its time a message may come: the burst, less one.
  private let tolerance: Duration
  /// When the next message would come if all kept to the rate.
  private var due: Duration?
  private var alarm: Address<Alarm.Message>?

  init(_ target: Address<Message>, interval: Duration, burst: Int) {
    self.target = target
    self.interval = interval
    tolerance = interval * (burst - 1)
  }

  mutating func started(in context: Context<Message>) {
    let (system, bucket) = (context.system, context.address)
    alarm = context.spawn("alarm") { Alarm { system.resume(bucket) } }
    context.watch(target)
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    target.send(handingOn(message))
    let now = context.now
    let due = max(due ?? now, now) + interval
    self.due = due
    let wait = due - tolerance - now
    if wait > .zero {
      // No further message before the alarm. Its mailbox is the queue.
      context.system.suspend(context.address)
      alarm?.send(.set(wait))
    }
  }

  mutating func signal(_ signal: Signal, in context: Context<Message>) {
    if case .terminated(let end) = signal, end.isOf(target) { context.stop() }
  }

  /// A suspended actor hears no timer of its own.
  struct Alarm: Behavior {
    enum Message { case set(Duration), ring }
    let ring: @Sendable () -> Void
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch message {
      case .set(let delay): context.timers.once(0, after: delay, .ring)
      case .ring: ring()
      }
    }
  }
}
