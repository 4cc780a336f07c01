import Foundation
import Synchronization

/// Counts what the pipeline does, and writes to standard error while it runs: complaints and, on a terminal, the
/// progress.
final class Tally: Sendable {
  private let filesRead = Atomic<Int>(0)
  private let bytesRead = Atomic<Int>(0)
  private let complaints = Atomic<Int>(0)
  private let start = ContinuousClock.now
  private let isTerminal = isatty(2) == 1

  // Each figure publishes nothing else, so relaxed loads are enough.
  var files: Int { filesRead.load(ordering: .relaxed) }
  var bytes: Int { bytesRead.load(ordering: .relaxed) }
  var failures: Int { complaints.load(ordering: .relaxed) }
  var elapsed: Duration { ContinuousClock.now - start }

  func addFile() { filesRead.add(1, ordering: .relaxed) }
  func add(bytes: Int) { bytesRead.add(bytes, ordering: .relaxed) }

  /// Says that something cannot be read, and counts the complaint.
  func complain(about path: FilePath, _ error: SystemError) {
    complaints.add(1, ordering: .relaxed)
    // The line is written with one call, so that the lines of several threads do not mix.
    write("\(eraseLine)WordCount: cannot read \(path): \(error)\n", to: 2)
  }

  /// Shows the progress until the task is cancelled. It does nothing if standard error is not a terminal.
  func showProgress() async {
    guard isTerminal else { return }
    while true {
      do { try await Task.sleep(for: .milliseconds(100)) } catch { break }
      write("\(eraseLine)\(files) files, \(megabytes(bytes)), \(rate)", to: 2)
    }
    write(eraseLine, to: 2)
  }

  private var eraseLine: String { isTerminal ? "\r\u{1b}[K" : "" }

  var rate: String { "\(megabytes(Int(Double(bytes) / max(elapsed / .seconds(1), 1e-6))))/s" }
}

func megabytes(_ bytes: Int) -> String {
  let tenths = (bytes + 50_000) / 100_000
  return "\(tenths / 10).\(tenths % 10) MB"
}

/// Writes the whole text. Returns false if it cannot be written.
@discardableResult
func write(_ text: String, to descriptor: Int32) -> Bool {
  var text = text
  return text.withUTF8 { bytes in
    var written = 0
    while written < bytes.count {
      let count = Foundation.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
      if count < 0 && errno != EINTR { return false }
      written += max(count, 0)
    }
    return true
  }
}
