import Foundation

/// Prints the words with their counts in the way of `uniq -c`. Returns false if standard output does not take them.
func printWords(_ words: [RankedWord]) -> Bool {
  var text = ""
  for ranked in words {
    let count = String(ranked.count)
    text += String(repeating: " ", count: max(0, 7 - count.utf8.count)) + count + " " + ranked.word + "\n"
    if text.utf8.count > 1 << 16 {
      if !write(text, to: 1) { return false }
      text = ""
    }
  }
  return write(text, to: 1)
}

/// Describes the totals, and says whether they are complete.
func summary(_ ranking: Ranking, _ tally: Tally, isInterrupted: Bool) -> String {
  var lines = [
    "\(tally.files) files, \(tally.bytes) bytes, \(ranking.total) words, \(ranking.distinct) distinct",
    "\(Int(tally.elapsed / .milliseconds(1))) ms, \(tally.rate)",
  ]
  if let peakMemory { lines[1] += ", peak memory \(megabytes(peakMemory))" }
  if tally.failures > 0 { lines.append("\(tally.failures) not read, or not to the end: see the messages above") }
  if isInterrupted { lines.append("interrupted: these are the counts up to then") }
  return lines.map { $0 + "\n" }.joined()
}

/// The most memory that this process has had at a time, in bytes; nil where the system has no such file.
private var peakMemory: Int? {
  guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return nil }
  let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
  return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
}
