import Synchronization
import TroupeModel

/// Takes the place of `Readiness/DescriptorSet.swift` under the model checker. A descriptor is a number below 32, and
/// becomes ready when the scenario says so.
struct DescriptorSet: ~Copyable, @unchecked Sendable {
  struct Ready {
    var token: UInt64
    var events: UInt32
  }
  static let isTold = false
  private static let wakeUp: UInt64 = 1 << 63

  /// One bit for each descriptor that has become ready and was not reported, and one for a wake-up.
  private let news = Atomic<UInt64>(0)
  /// The tokens by descriptor. Each is written before its descriptor becomes ready.
  private let tokens = UnsafeMutablePointer<UInt64>.allocate(capacity: 32)

  init?() { tokens.initialize(repeating: 0, count: 32) }
  deinit { tokens.deallocate() }

  func add(_ descriptor: Int32, _ token: UInt64) -> Int32 {
    tokens[Int(descriptor)] = token
    return 0
  }
  func remove(_ descriptor: Int32) -> Int32 { 0 }
  func want(_ descriptor: Int32, _ events: UInt32) {}
  func wake() { news.bitwiseOr(Self.wakeUp, ordering: .sequentiallyConsistent) }
  /// For the scenario.
  func becomesReady(_ descriptor: Int32) { news.bitwiseOr(1 << UInt64(descriptor), ordering: .sequentiallyConsistent) }

  func wait(_ ready: UnsafeMutableBufferPointer<Ready>, block: Bool) -> Int {
    while news.load(ordering: .sequentiallyConsistent) == 0 {
      if !block { return 0 }
      ModelSystem.pause()
    }
    var bits = news.exchange(0, ordering: .sequentiallyConsistent)
    var count = 0
    while bits != 0 {
      let lowest = bits & ~(bits - 1)
      bits &= ~lowest
      let token = lowest == Self.wakeUp ? UInt64.max : tokens[lowest.trailingZeroBitCount]
      ready.initializeElement(at: count, to: Ready(token: token, events: lowest == Self.wakeUp ? 0 : 1))
      count += 1
    }
    return count
  }
}
