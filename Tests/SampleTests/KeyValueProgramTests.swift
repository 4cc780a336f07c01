import Foundation
import Testing

/// The program, with the clients that people use. Those that are not installed are left out; `.ci/run` installs them.
@Suite(.timeLimit(.minutes(5)))
struct KeyValueProgramTests {
  private static func hasSucceeded(_ command: String, _ arguments: [String]) async -> Bool {
    (try? await Program.run("/usr/bin/env", [command] + arguments))?.exitCode == 0
  }

  /// Starts the program on a free port and hands that to `body`; then stops it by Ctrl-C.
  private func withServer(_ options: [String], _ body: (String) async throws -> Void) async throws {
    let server = try Program("KeyValue", ["--port", "0"] + options)
    let output = try await server.waitForOutput(containing: "\n")
    let line = output.prefix { $0 != "\n" }
    #expect(line.hasPrefix("KeyValue: "))
    let port = String(line.reversed().prefix { $0.isNumber }.reversed())
    do {
      try await body(port)
    } catch {
      server.interrupt()
      throw error
    }
    server.interrupt()
    let result = try await server.result()
    #expect(result.exitCode == 0)
    // Answers for clients that have gone become dead letters; nothing else is to be reported.
    let errors = result.errors.split(separator: "\n").filter { !$0.contains("dead letter") }
    #expect(errors.isEmpty)
  }

  @Test(arguments: [1, 2, 5])
  func `redis-cli sets a key and reads it`(shards: Int) async throws {
    guard await Self.hasSucceeded("redis-cli", ["--version"]) else { return }
    try await withServer(["--shards", "\(shards)"]) { port in
      let script = "mset a 1 b 2 c 3\nincr a\nmget a b c\nmulti\nincr b\nincr c\nexec\ndbsize\n"
      let result = try await Program.run("/usr/bin/env", ["redis-cli", "-p", port], input: Data(script.utf8))
      #expect(result.output == "OK\n2\n2\n2\n3\nOK\nQUEUED\nQUEUED\n3\n4\n3\n")
    }
  }

  @Test func `the Python package redis, and hostile clients`() async throws {
    guard await Self.hasSucceeded("python3", ["-c", "import redis"]) else { return }
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "KeyValue/client.py").path
    let folder = TemporaryFolder()
    let path = folder.path + "/socket"
    try await withServer(["--unix", path, "--shards", "3", "--output-limit", "16"]) { port in
      let result = try await Program.run("/usr/bin/env", ["python3", script, "--port", port, "--unix", path])
      #expect(result.exitCode == 0, "\(result.output)\(result.errors)")
    }
  }

  @Test(arguments: [["--port"], ["--port", "70000"], ["--shards", "0"], ["--unix"], ["--unknown"]])
  func `a wrong command line ends it`(arguments: [String]) async throws {
    #expect(try await Program.run("KeyValue", arguments).exitCode == 2)
  }

  @Test func `a port that is taken is an error in words`() async throws {
    try await withServer([]) { port in
      let result = try await Program.run("KeyValue", ["--port", port])
      #expect(result.exitCode == 1)
      #expect(result.errors.hasPrefix("KeyValue: "))
    }
  }
}
