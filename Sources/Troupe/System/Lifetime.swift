/// What an actor lives for; `SpawnOptions.lifetime`.
public enum Lifetime: Sendable, Hashable {
  /// Until it stops, its parent stops, or its supervision gives it up; the default. Addresses do not keep it alive.
  case untilStopped
  /// The same, and no longer than somebody has an address of it. When the last address has gone, adapters in front of it included, it handles
  /// what is queued, and then stops, as `unreferenced`.
  ///
  /// What it has begun keeps it alive: timers, a receive timeout, work whose result will come as a message, stashed messages. So does an address
  /// of itself that it keeps in its state or in a message. An `ActorID`, a watch, and a `WeakAddress` do not. Each address costs an
  /// allocation when it is made, and a send to it an extra step.
  case whileReferenced
}
