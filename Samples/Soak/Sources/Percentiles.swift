/// Latencies in nanoseconds.
struct Percentiles: CustomStringConvertible {
  private let sorted: [Int64]
  init(_ samples: [Int64]) { sorted = samples.sorted() }

  func value(_ part: Double) -> Int64 {
    sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
  }

  var description: String {
    func text(_ part: Double) -> String { "\((value(part) + 500) / 1_000)" }
    return "p50 \(text(0.5)), p99 \(text(0.99)), p99.9 \(text(0.999)), longest \((sorted.last ?? 0) / 1_000) us, "
      + "\(sorted.count) asks"
  }
}
