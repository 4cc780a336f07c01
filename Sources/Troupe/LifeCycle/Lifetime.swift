/// Says what ends an actor's life; see `SpawnOptions.lifetime`.
public enum Lifetime: Sendable, Hashable {
  /// The actor lives until it stops, its parent stops, or its supervision gives it up. Addresses do not keep it alive.
  /// This is the default.
  case untilStopped
  /// The actor also ends when nobody has its address any more. When the last address has gone, adapters included, it
  /// handles what is queued, and then stops with the reason `unreferenced`.
  ///
  /// Use it for an actor that serves those who hold its address, such as a cache entry or a session. What the actor has
  /// begun keeps it alive: timers, a receive timeout, work whose result will come as a message, stashed messages. So
  /// does its own address, if it keeps that in its state or in a message. An `ActorID`, a watch, and a `WeakAddress` do
  /// not. Each address costs an allocation when it is made, and each send to it an extra step.
  case whileReferenced
}
