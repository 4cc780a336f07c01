import Testing

@Suite(.timeLimit(.minutes(5)))
struct ChatProgramTests {
  @Test func `a hundred terminals talk, one that does not read is cut off, and latecomers see what was said`()
    async throws
  {
    let clients = Program.isSanitized ? "30" : "100"
    let result = try await Program.runClient("chat.py", [Program.path("Chat"), "--clients", clients])
    #expect(result.exitCode == 0, "\(result.output)\(result.errors)")
    #expect(
      result.output.hasPrefix("\(clients) clients have seen the same posts, ") && result.output.contains("cut off"))
  }

  @Test(arguments: [["--port", "65536"], ["--lines"], ["--limit", "0"], ["--rooms", "3"], ["--origins", "a"]])
  func `a wrong command line is refused`(arguments: [String]) async throws {
    let result = try await Program.run("Chat", arguments)
    #expect(result.exitCode == 2)
    #expect(result.output.isEmpty)
    #expect(result.errors.hasPrefix("Chat: ") && result.errors.contains("usage: Chat"))
  }

  @Test func `a port that is in use is an error`() async throws {
    let first = try Program("Chat", ["--port", "0", "--lines", "0"])
    try await first.waitForOutput(containing: "lines: ")
    let port = try #require(try first.output().split(whereSeparator: \.isNewline).last?.split(separator: ":").last)
    let second = try await Program.run("Chat", ["--port", "0", "--lines", String(port)])
    #expect(second.exitCode == 1)
    #expect(second.errors.contains("Chat: bind to [::]:\(port): Address already in use (EADDRINUSE)"))
    try await first.waitUntilItCatchesInterrupt()
    first.interrupt()
    #expect(try await first.result().exitCode == 0)
  }
}
