import Foundation

// The exit code is 0 for success, 1 if something could not be read or written, 2 for a wrong command line, and 130
// (128 + SIGINT) after Ctrl-C.

let arguments = UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc)).dropFirst()
let options: Options
do {
  options = try Options(arguments: arguments.map { UnsafePointer($0!) })
} catch {
  write("WordCount: \(error.message)\n\(Options.usage)\n", to: 2)
  exit(2)
}
if options.wantsHelp {
  write(Options.usage + "\n", to: 1)
  exit(0)
}

let interruption = Interruption()
let signals = interruption.watch()
let tally = Tally()

let progress = Task { await tally.showProgress() }
let ranking: Ranking
do {
  ranking = try await countWords(in: options.paths, options.output, tally, interruption)
} catch {
  write("WordCount: \(error)\n", to: 2)
  exit(1)
}
progress.cancel()
await progress.value

let totals = summary(ranking, tally, isInterrupted: interruption.isRaised)
let isWritten = printWords(ranking.words)
if !isWritten { write("WordCount: cannot write: \(SystemError.last)\n", to: 2) }
switch options.output {
case .top: write("\n" + totals, to: 1)
case .all: write(totals, to: 2)
}
exit(interruption.isRaised ? 130 : tally.failures > 0 || !isWritten ? 1 : 0)
