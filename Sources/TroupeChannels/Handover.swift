import Synchronization

/// Carries a value that cannot be copied, such as a `Receiver`, into a closure that runs on another thread or in
/// another task.
///
/// A closure cannot consume what it captures, since it might run twice. It can capture a handover instead, and take
/// the value out of that, once:
///
/// ```swift
/// Thread.detachNewThread { [receiver = Handover(channel.receiver)] in
///   for element in receiver.take().blockingElements() { print(element) }
/// }
/// ```
/// The value need not be Sendable, since the one that hands it over gives it away. A value that nobody takes is
/// destroyed with the last reference to its handover; for a receiver this closes the channel.
///
/// Sendable because the value is touched only by the one that makes the handover, by the one call of `take` that finds
/// the mark unset, and by the one that destroys the handover.
public final class Handover<Value: ~Copyable>: @unchecked Sendable {
  private var value: Value?
  private let isTaken = Atomic<Bool>(false)

  /// Takes the value in. This costs one allocation.
  public init(_ value: consuming sending Value) { self.value = consume value }

  /// Takes the value out. Any thread may call it, but only once: a second call stops the program. It never waits.
  public func take() -> sending Value {
    // Relaxed: the reference to the handover came here by something that publishes what it refers to.
    if !isTaken.exchange(true, ordering: .relaxed), let value = value.take() { return disconnected(value) }
    fatalError(
      "Troupe: the \(Value.self) of a Handover was taken before. A handover gives its value once; make another "
        + "channel, or pass the value on.")
  }
}
