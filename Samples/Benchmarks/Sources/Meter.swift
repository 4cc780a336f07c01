import Foundation

/// Measures the wall time and the processor time of this process since the meter was made.
struct Meter {
  private let start = monotonicNanoseconds()
  private let used = processorSeconds()

  /// Returns the seconds, and how many processors were in use on average.
  func read() -> (seconds: Double, processors: Double) {
    let seconds = Double(monotonicNanoseconds() - start) / 1e9
    return (seconds, (processorSeconds() - used) / seconds)
  }
}

/// Reads the precise monotonic clock, not the coarse one, which stands still for milliseconds at a time.
func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// The processor time of all threads of this process, in user code and in the kernel.
private func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
