import Synchronization

/// Random numbers for several threads, for jitter: SplitMix64 from a seed of the system's generator, which
/// itself is a call of the kernel for each number.
struct RandomState: ~Copyable, Sendable {
  private let state = Atomic<UInt64>(UInt64.random(in: 0 ... .max))

  func next() -> UInt64 {
    // Relaxed: each caller gets a value of its own, and it says nothing about other memory.
    var random = SplitMix(seed: state.wrappingAdd(SplitMix.step, ordering: .relaxed).oldValue)
    return random.next()
  }
}
