import Foundation

// The exit code is 0 for success, 1 if something is missing or the run failed, 2 for a wrong command line, and 130
// (128 + SIGINT) after Ctrl-C.

let options = Options.fromCommandLine()
let tally = Tally()
let progress = Task { await tally.showProgress(of: options.transfers) }

let audit: Audit
do {
  audit = try await runBank(options, tally)
} catch {
  FileHandle.standardError.write(Data("Bank: \(error)\n".utf8))
  exit(1)
}
progress.cancel()
await progress.value

print(audit.report(tally, of: options.transfers))
if !audit.isBalanced { print("it does not balance") }
exit(!audit.isBalanced ? 1 : tally.transfers < options.transfers ? 130 : 0)
