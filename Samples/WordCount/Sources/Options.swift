/// What the command line asks for.
struct Options {
  enum Output: Equatable, Sendable {
    /// Print so many of the most frequent words, and the totals.
    case top(Int)
    /// Print every word in order, and the totals to standard error.
    case all
  }

  struct UsageError: Error {
    let message: String
  }

  var output = Output.top(10)
  var wantsHelp = false
  var paths: [FilePath] = []

  static let usage = """
    usage: WordCount [--top N | --all] FILE-OR-FOLDER…

    Counts words: runs of the ASCII letters, in lower case. All other bytes separate words.
    A folder means all files in it and below; symbolic links in it are not followed.
    - is standard input.

      --top N    print the N most frequent words (10)
      --all      print all words, sorted, as `sort | uniq -c` does; totals go to standard error
                 (--counts is the same)
      --help     print this
    """

  /// Takes the arguments as C strings, because a path can consist of any bytes.
  init(arguments: [UnsafePointer<CChar>]) throws(UsageError) {
    var rest = arguments[...]
    var areOptionsOver = false
    while let argument = rest.popFirst() {
      let text = String(cString: argument)
      if areOptionsOver || text == "-" || !text.hasPrefix("-") {
        paths.append(FilePath(argument))
        continue
      }
      switch text {
      case "--": areOptionsOver = true
      case "--help", "-h": wantsHelp = true
      case "--all", "--counts": output = .all
      case "--top":
        guard let value = rest.popFirst() else { throw UsageError(message: "--top needs a number") }
        output = .top(try Self.number(String(cString: value)))
      case let text where text.hasPrefix("--top="):
        output = .top(try Self.number(String(text.dropFirst("--top=".count))))
      default: throw UsageError(message: "unknown option \(text)")
      }
    }
    if paths.isEmpty && !wantsHelp { throw UsageError(message: "name a file or a folder") }
  }

  private static func number(_ text: String) throws(UsageError) -> Int {
    guard let number = Int(text), number >= 0 else {
      throw UsageError(message: "--top needs a number of at least 0, not '\(text)'")
    }
    return number
  }
}
