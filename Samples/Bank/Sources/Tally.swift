import Foundation
import Synchronization

/// What the actors count for the report, and the progress on a terminal.
final class Tally: Sendable {
  /// One figure. It publishes nothing else, so relaxed operations are enough.
  struct Figure: ~Copyable, Sendable {
    private let atomic = Atomic<Int>(0)
    func add(_ n: Int = 1) { atomic.add(n, ordering: .relaxed) }
    var value: Int { atomic.load(ordering: .relaxed) }
  }

  /// How many messages are sent, to whomever.
  let messages = Figure()

  /// How many transfers were made, how many were refused for lack of money, and how many were paid back because the
  /// receiver had too much.
  let made = Figure()
  let refused = Figure()
  let refunded = Figure()

  /// How many postings were asked for again, after a failure and after a timeout.
  let failed = Figure()
  let timedOut = Figure()

  private let start = ContinuousClock.now

  var transfers: Int { made.value + refused.value + refunded.value }

  var rate: String {
    let seconds = max((ContinuousClock.now - start) / .seconds(1), 1e-6)
    return "\(Int(Double(transfers) / seconds)) transfers/s"
  }

  /// Shows the progress on standard error until the task is cancelled. It does nothing if standard error is not a
  /// terminal.
  func showProgress(of total: Int) async {
    guard isatty(2) == 1 else { return }
    while (try? await Task.sleep(for: .milliseconds(100))) != nil {
      write("\(transfers) of \(total) transfers, \(failed.value + timedOut.value) mishaps, \(rate)")
    }
    write("")
  }

  private func write(_ line: String) { FileHandle.standardError.write(Data("\r\u{1b}[K\(line)".utf8)) }
}
