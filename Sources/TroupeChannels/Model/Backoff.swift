import TroupeModel

/// Takes the place of `Waiting/Backoff.swift` in the model checker. No time passes there, so whoever would spin
/// before it sleeps goes to sleep at once, and whoever waits for another thread's step waits until there was one.
@usableFromInline package struct Backoff {
  @inlinable package init() {}
  @inlinable package var isEarly: Bool { false }
  @inlinable package static var patient: Backoff { Backoff() }
  @inlinable package var isOver: Bool { true }
  @inline(never) @usableFromInline package mutating func snooze() { ModelSystem.pause() }
  /// Does nothing after a lost compare-exchange, because another thread has made its step already.
  @inline(never) @usableFromInline package mutating func contended() {}
}
