import Foundation

/// How much this process holds of the system's resources.
struct Figures: Sendable {
  var kilobytes = 0
  var threads = 0
  var files = 0

  static func now() -> Figures {
    var figures = Figures()
    for line in (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n") ?? [] {
      let parts = line.split(whereSeparator: { $0 == ":" || $0 == "\t" || $0 == " " })
      guard parts.count > 1, let number = Int(parts[1]) else { continue }
      if parts[0] == "VmRSS" { figures.kilobytes = number }
      if parts[0] == "Threads" { figures.threads = number }
    }
    figures.files = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    return figures
  }

  /// The median of each figure by itself.
  static func median(of all: ArraySlice<Figures>) -> Figures {
    func middle(_ values: [Int]) -> Int { values.isEmpty ? 0 : values.sorted()[values.count / 2] }
    return Figures(
      kilobytes: middle(all.map(\.kilobytes)), threads: middle(all.map(\.threads)), files: middle(all.map(\.files)))
  }

  /// Describes what has grown between the time after the start and the end.
  static func growth(_ samples: [Figures]) -> [String] {
    // Caches, pools and threads need some time to reach their size.
    let settled = samples.dropFirst(samples.count / 4)
    guard settled.count >= 4 else { return ["too few rounds to say: \(samples.count)"] }
    let first = median(of: settled.prefix(settled.count / 3 + 1))
    let last = median(of: settled.suffix(settled.count / 3 + 1))
    var grown: [String] = []
    if last.kilobytes > first.kilobytes + max(8 << 10, first.kilobytes / 10) {
      grown.append("memory from \(first.kilobytes) to \(last.kilobytes) KiB")
    }
    if last.threads > first.threads + 4 { grown.append("threads from \(first.threads) to \(last.threads)") }
    if last.files > first.files + 2 { grown.append("open files from \(first.files) to \(last.files)") }
    return grown
  }
}
