import Foundation
import SampleOptions

/// What the command line asks for.
struct Options: Sendable {
  var port = 6379
  var shards = min(ShardSet.limit, ProcessInfo.processInfo.activeProcessorCount)
  var unixPath = ""
  /// In MiB.
  var outputLimit = 64

  static func fromCommandLine() -> Options {
    let command = SampleOptions.Command<Options>(
      "KeyValue", "A store of keys and values that speaks the protocol of Redis.",
      [
        .number("port", \.port, 0...65_535, "the TCP port, on this machine alone; 0: a free one"),
        .number("shards", \.shards, 1...ShardSet.limit, "so many shards"),
        .text("unix", \.unixPath, "PATH", "a socket of the file system too"),
        .number("output-limit", \.outputLimit, 1...4096, "a client that leaves so many MiB unread is closed"),
      ])
    return command.parse(defaults: Options())
  }
}
