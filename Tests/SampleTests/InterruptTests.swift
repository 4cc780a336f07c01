import Testing

/// Programs that end when somebody presses Ctrl-C.
@Suite(.timeLimit(.minutes(5)))
struct InterruptTests {
  /// Each in a process of its own, where a signal that is lost would leave a program that never ends.
  @Test func `Ctrl-C ends the program with success from the moment on in which it does not kill it`() async throws {
    for _ in 0..<20 {
      let program = try Program("Monitor", [])
      try await program.waitUntilItCatchesInterrupt()
      program.interrupt()
      #expect(try await program.result().exitCode == 0)
    }
  }
}
