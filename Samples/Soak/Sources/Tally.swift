import Synchronization

/// Counts what became of everything that was made. The program counts by itself and does not trust the runtime.
final class Tally: Sendable {
  private let made = Atomic<Int>(0)
  private let gone = Atomic<Int>(0)
  private let used = Atomic<Int>(0)
  private let spoilt = Atomic<Int>(0)
  private let returned = Atomic<Int>(0)

  func countUsed() { used.wrappingAdd(1, ordering: .relaxed) }
  func countSpoilt() { spoilt.wrappingAdd(1, ordering: .relaxed) }
  func countReturned() { returned.wrappingAdd(1, ordering: .relaxed) }
  fileprivate func countMade() { made.wrappingAdd(1, ordering: .relaxed) }
  fileprivate func countGone() { gone.wrappingAdd(1, ordering: .relaxed) }

  struct Counts: Sendable, Equatable {
    var made = 0
    var gone = 0
    /// Received, or handled to the end.
    var used = 0
    /// In the hands of a handler that threw.
    var spoilt = 0
    /// Refused, and given back to its sender.
    var returned = 0
    /// Destroyed with a channel or an actor, without having been used.
    var dropped: Int { made - used - spoilt - returned }
  }
  var counts: Counts {
    Counts(
      made: made.load(ordering: .relaxed), gone: gone.load(ordering: .relaxed), used: used.load(ordering: .relaxed),
      spoilt: spoilt.load(ordering: .relaxed), returned: returned.load(ordering: .relaxed))
  }
}

/// Something that must not be lost.
struct Envelope: ~Copyable, Sendable {
  private let tally: Tally
  let number: Int
  init(_ tally: Tally, number: Int = 0) {
    self.tally = tally
    self.number = number
    tally.countMade()
  }
  deinit { tally.countGone() }
}
