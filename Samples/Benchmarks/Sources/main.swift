import Foundation
import Troupe

let usage = "usage: troupe-bench WORKLOAD [troupe|troupe-async [SCALE]]"

func fail(_ message: String) -> Never {
  FileHandle.standardError.write(Data((message + "\n").utf8))
  exit(2)
}

guard CommandLine.arguments.count >= 2 else { fail(usage) }
let workload = CommandLine.arguments[1]
let implementation = CommandLine.arguments.count > 2 ? CommandLine.arguments[2] : "troupe"
guard let scale = CommandLine.arguments.count > 3 ? Double(CommandLine.arguments[3]) : 1, scale > 0 else { fail(usage) }

func measure() throws -> (Measured, Double)? {
  guard ["troupe", "troupe-async"].contains(implementation) else { return nil }
  let awaited = implementation == "troupe-async"
  let clock = ContinuousClock()
  let start = clock.now
  let measured: Measured? =
    if workload.hasPrefix("actor.") {
      try Actors(scale: scale, awaited: awaited, system: benchSystem()).run(workload)
    } else if workload.hasPrefix("growth.") {
      try Actors(scale: scale, awaited: awaited, system: benchSystem()).growth(workload)
    } else if awaited {
      try TaskChannels(scale: scale, system: benchSystem()).run(workload)
    } else {
      try ThreadChannels(scale: scale).run(workload)
    }
  let elapsed = clock.now - start
  return measured.map { ($0, elapsed / .seconds(1)) }
}

do {
  guard let (measured, seconds) = try measure() else { fail("no workload '\(workload)' for '\(implementation)'") }
  switch measured {
  case .operations(let n):
    print("\(workload),\(implementation),\(n)," + String(format: "%.6f,%.3f", seconds, seconds * 1e9 / Double(n)))
  case .timed(let n, let seconds, let processors):
    let figures = String(format: "%.6f,%.3f,%.2f", seconds, seconds * 1e9 / Double(n), processors)
    print("\(workload),\(implementation),\(n)," + figures)
  case .bytes(let n, let perItem):
    print("\(workload),\(implementation),\(n)," + String(format: "%.6f,%d", seconds, perItem))
  case .microseconds(let n, let median, let percentile99):
    let figures = String(format: "%.6f,%.3f,%.3f", seconds, median, percentile99)
    print("\(workload),\(implementation),\(n)," + figures)
  }
} catch {
  fail("\(workload): \(error)")
}
