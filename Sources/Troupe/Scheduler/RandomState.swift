import Synchronization

/// A generator of random numbers that several threads may use at once. Supervision uses it for the jitter of a backoff.
///
/// It is SplitMix64 with a seed from the system's generator. That one would cost a call of the kernel for each number.
struct RandomState: ~Copyable, Sendable {
  private let state = Atomic<UInt64>(UInt64.random(in: 0 ... .max))

  func next() -> UInt64 {
    // Relaxed: each caller gets a value of its own, and the value says nothing about other memory.
    var random = SplitMix(seed: state.wrappingAdd(SplitMix.step, ordering: .relaxed).oldValue)
    return random.next()
  }
}
