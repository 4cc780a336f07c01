import Foundation
import Troupe

/// What a workload did: operations to divide the time by, memory, or lateness.
enum Measured {
  case operations(Int)
  /// The workload has measured the time itself, without its preparations.
  case timed(operations: Int, seconds: Double, processors: Double)
  case bytes(count: Int, perItem: Int)
  /// How late timers were.
  case microseconds(count: Int, median: Double, percentile99: Double)
}

/// Makes the system that a workload runs on. `TROUPE_BENCH_WORKERS` sets its number of workers; without it there is
/// one for each processor.
func benchSystem() throws -> ActorSystem {
  let name = "TROUPE_BENCH_WORKERS"
  guard let value = ProcessInfo.processInfo.environment[name] else {
    return ActorSystem("bench", options: .init(log: { _ in }))
  }
  guard let workers = Int(value), (1...64).contains(workers) else {
    throw Failure(description: "\(name) must be between 1 and 64, and is '\(value)'")
  }
  return ActorSystem("bench", options: .init(workers: workers, log: { _ in }))
}

struct Failure: Error, CustomStringConvertible {
  let description: String
}

@inline(__always)
func check(_ isRight: Bool, _ what: @autoclosure () -> String) throws {
  if !isRight { throw Failure(description: "wrong result: \(what())") }
}

/// Returns 0 + 1 + … + (n - 1).
func triangle(_ n: Int) -> Int { n * (n - 1) / 2 }

/// Runs `body` on a thread of its own and hands its result to `join`.
final class BenchThread<Result>: @unchecked Sendable {
  private let done = DispatchSemaphore(value: 0)
  // Foundation keeps a thread's block for longer than the thread runs, and a sender in it keeps its channel open.
  nonisolated(unsafe) private var body: (@Sendable () -> Result)?
  nonisolated(unsafe) private var result: Result?

  init(_ body: @escaping @Sendable () -> Result) {
    self.body = body
    let thread = Thread { [self] in
      result = self.body!()
      self.body = nil
      done.signal()
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  func join() -> Result {
    done.wait()
    return result!
  }
}

/// Returns the resident memory of this process in bytes.
func residentBytes() throws -> Int {
  let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
  return Int(text.split(separator: " ")[1])! * 4096
}
