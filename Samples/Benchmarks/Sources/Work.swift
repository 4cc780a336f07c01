import Foundation

/// Work of a known duration for a handler: a chain of steps, each of which needs the result of the one before.
struct Work: Sendable {
  let steps: Int

  /// Work that takes no time.
  static let none = Work(steps: 0)

  /// Makes work of as many steps as this machine does in `nanoseconds` when nothing else takes its processor.
  static func lasting(nanoseconds: Int) -> Work {
    guard nanoseconds > 0 else { return none }
    let sample = Work(steps: 20_000)
    var value: UInt64 = 1
    var shortest = UInt64.max
    // The shortest run of many is taken, since it was interrupted least. The first runs also wake a processor that
    // slept.
    for _ in 0..<400 {
      let start = monotonicNanoseconds()
      value = sample.perform(value)
      shortest = min(shortest, monotonicNanoseconds() - start)
    }
    precondition(value != 0 && shortest > 0)
    return Work(steps: max(1, Int((Double(nanoseconds) * Double(sample.steps) / Double(shortest)).rounded())))
  }

  /// Does the work. It is never inlined, so that what is calibrated is what the handlers do. A step is a permutation
  /// of the values other than 0 that cannot be folded with the next one: nothing of the chain can be left out, and
  /// its result tells how often it was performed.
  @inline(never)
  func perform(_ value: UInt64) -> UInt64 {
    var value = value
    for _ in 0..<steps { value = (value ^ (value >> 32)) &* 0x9E37_79B9_7F4A_7C15 }
    return value
  }
}
