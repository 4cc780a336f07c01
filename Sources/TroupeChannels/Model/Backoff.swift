import TroupeModel

/// In place of `Waiting/Backoff.swift`: time does not pass, so whoever would spin before it sleeps sleeps at once, and whoever
/// waits for another thread's step waits until there was one.
@usableFromInline package struct Backoff {
  @inlinable package init() {}
  @inlinable package var isEarly: Bool { false }
  @inlinable package static var patient: Backoff { Backoff() }
  @inlinable package var isOver: Bool { true }
  @inline(never) @usableFromInline package mutating func snooze() { ModelSystem.pause() }
  /// The loser of a compare-exchange: another thread has stepped already.
  @inline(never) @usableFromInline package mutating func contended() {}
}
