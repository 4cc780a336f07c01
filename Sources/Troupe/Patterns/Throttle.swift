/// Lets messages through to an actor at a limited rate. It is a token bucket in front of the actor's address.
///
/// ```swift
/// let slow = Throttle(in: system, "mail", to: mailer, rate: 100, per: .seconds(1), burst: 20)
/// slow.address.send(.mail(letter))
/// ```
/// Messages that come faster wait in the throttle's own mailbox, in order. Give that a bound by the options, and
/// producers wait (`deliver`), get their messages back (`trySend`) or make dead letters (`send`), as with any actor.
/// The throttle ends after its target has ended, as soon as the next message may pass.
///
/// While no message may pass, the throttle's actor is suspended (`ActorSystem.suspend`). If it is resumed by hand it
/// lets a message through early, and the next ones wait for longer.
public struct Throttle<Message: ~Copyable>: Sendable {
  /// The address to send to.
  public let address: Address<Message>

  /// Starts a throttle.
  ///
  /// A timer and a coarse clock decide when a message may pass, which is some milliseconds late; so a rate above some
  /// 100 messages a second is reached only with a burst that covers 10 ms. A rate or burst below 1, or a period of zero
  /// or less, stops the program.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be the throttle's parent.
  ///   - name: The name of the throttle's actor; nil gives it a number.
  ///   - target: The actor that gets the messages. If its bounded mailbox is full, they become its dead letters.
  ///   - rate: How many messages may pass in a period, on average.
  ///   - period: The period of the rate.
  ///   - burst: How many messages may pass at once after a pause; nil is a tenth of the rate, and at least 1.
  ///   - options: The options of the throttle's actor.
  public init(
    in spawner: some Spawner, _ name: String? = nil, to target: Address<Message>, rate: Int,
    per period: Duration = .seconds(1), burst: Int? = nil, options: SpawnOptions = SpawnOptions()
  ) {
    let burst = burst ?? max(1, rate / 10)
    guard rate >= 1, burst >= 1, period > .zero else {
      fatalError(
        "Troupe: a throttle needs a rate and a burst of at least 1 and a period above 0; "
          + "the rate is \(rate), the burst \(burst), the period \(period)")
    }
    address = spawner.spawn(name, options: options) { Bucket(target, interval: period / rate, burst: burst) }
  }
}

/// The actor behind `Throttle`. It keeps the token bucket as one point in time, by the generic cell rate algorithm
/// (ITU-T I.371).
struct Bucket<Message: ~Copyable>: Behavior {
  private let target: Address<Message>
  /// The time between two messages at the given rate.
  private let interval: Duration
  /// How far ahead of its time a message may come: the time of the burst, less one message.
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
    target.send(assumeDisconnected(message))
    let now = context.now
    let due = max(due ?? now, now) + interval
    self.due = due
    let wait = due - tolerance - now
    if wait > .zero {
      // No further message may pass before the alarm; until then the mailbox is the queue.
      context.system.suspend(context.address)
      alarm?.send(.set(wait))
    }
  }

  mutating func signal(_ signal: Signal, in context: Context<Message>) {
    if case .terminated(let end) = signal, end.isOf(target) { context.stop() }
  }

  /// The actor that resumes the throttle, since a suspended actor does not get the messages of its own timers.
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
