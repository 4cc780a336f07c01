import Foundation

// The exit code is 0 for success, 1 if something was lost, grew or broke its bound, and 2 for a wrong command line.

let usage = "usage: Soak [overload] [SECONDS [SEED]]"
var arguments = Array(CommandLine.arguments.dropFirst())
let isOverload = arguments.first == "overload"
if isOverload { arguments.removeFirst() }
let seconds = arguments.isEmpty ? 20 : Double(arguments[0]) ?? -1
let seed = arguments.count < 2 ? UInt64.random(in: 0...(.max)) : UInt64(arguments[1]) ?? 0
guard seconds > 0, arguments.count <= 2 else {
  FileHandle.standardError.write(Data((usage + "\n").utf8))
  exit(2)
}

let troubles: [String]
if isOverload {
  troubles = await Overload(duration: .seconds(seconds / 3)).run()
} else {
  print("seed \(seed)")
  troubles = await Soak(duration: .seconds(seconds), seed: seed).run()
}
for trouble in troubles { FileHandle.standardError.write(Data(("FAILED: " + trouble + "\n").utf8)) }
exit(troubles.isEmpty ? 0 : 1)
