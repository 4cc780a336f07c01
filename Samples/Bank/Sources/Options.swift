import SampleOptions

/// What the command line asks for.
struct Options: Sendable {
  var accounts = 10_000
  var transfers = 200_000
  var seed = 1
  /// One posting in so many goes wrong; with 0, none does.
  var mishaps = 1000
  var isLogging = false

  static func fromCommandLine() -> Options {
    let command = Command<Options>(
      "Bank", "Moves money between accounts that fail, and counts it afterwards.",
      [
        .number("accounts", \.accounts, 2...1_000_000, "so many accounts"),
        .number("transfers", \.transfers, 0...100_000_000, "so many transfers"),
        .number("seed", \.seed, 0...Int.max, "the same seed, the same transfers"),
        .number("mishaps", \.mishaps, 0...Int.max, "one posting in N goes wrong; 0: none does"),
        .flag("log", \.isLogging, "show what the runtime logs: each failure and each restart"),
      ])
    return command.parse(defaults: Options())
  }
}
