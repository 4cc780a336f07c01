import SampleOptions
import Testing

@Suite(.timeLimit(.minutes(5)))
struct RelayTests {
  @Test func `the memory stays small while the readers are slow, and every byte arrives`() async throws {
    let growth = Program.isSanitized ? "64" : "16"
    let result = try await Program.runClient("relay.py", [Program.path("Relay"), "--growth", growth])
    #expect(result.exitCode == 0, "\(result.output)\(result.errors)")
    #expect(result.output.contains("to the server: 10 connections") && result.output.contains("refused: "))
  }

  @Test(arguments: [["--to", "example.com"], ["--to", "::1:80"], ["--to", ":80"], ["--to"], ["--port", "65536"]])
  func `a wrong command line is refused`(arguments: [String]) async throws {
    let result = try await Program.run("Relay", arguments)
    #expect(result.exitCode == 2)
    #expect(result.output.isEmpty)
    #expect(result.errors.hasPrefix("Relay: ") && result.errors.contains("usage: Relay"))
  }

  @Test func `a port that is in use is an error`() async throws {
    let first = try Program("Relay", ["--port", "0", "--to", "127.0.0.1:1"])
    try await first.waitForOutput(containing: " leads to ")
    let port = try #require(try first.output().split(separator: " ").dropFirst().first)
    let second = try await Program.run("Relay", ["--port", String(port), "--to", "127.0.0.1:1"])
    #expect(second.exitCode == 1)
    #expect(second.errors.contains("Relay: bind to [::]:\(port): Address already in use (EADDRINUSE)"))
    try await first.waitUntilItCatchesInterrupt()
    first.interrupt()
    #expect(try await first.result().exitCode == 0)
  }

  @Test func `a host and a port are read from text, and written as the same text`() {
    for text in ["example.com:80", "127.0.0.1:65535", "[::1]:1"] { #expect(HostAndPort(text)?.description == text) }
    #expect(HostAndPort("[::1]:80")?.host == "::1")
    for text in ["", "a", "a:", "a:0", "a:65536", "a:b", "[]:1", "::1"] { #expect(HostAndPort(text) == nil, "\(text)") }
  }
}
