import Testing

@Suite(.timeLimit(.minutes(5)))
struct BankTests {
  /// The figures that it prints.
  private struct Figures {
    let transfers: Int
    let made: Int
    let refused: Int
    let refunded: Int
    let restarts: Int
    let opening: Int
    let closing: Int
    let wrongAccounts: Int
    let sent: Int
    let handled: Int
    let failed: Int
    let deadLetters: Int

    init(_ output: String) throws {
      let lines = output.split(separator: "\n").map { line in
        line.split { !$0.isNumber }.compactMap { Int($0) }
      }
      try #require(lines.map(\.count) == [6, 3, 3, 4], "\(output)")
      (transfers, made, refused, refunded) = (lines[0][0], lines[0][2], lines[0][3], lines[0][4])
      restarts = lines[1][0]
      (opening, closing, wrongAccounts) = (lines[2][0], lines[2][1], lines[2][2])
      (sent, handled, failed, deadLetters) = (lines[3][0], lines[3][1], lines[3][2], lines[3][3])
    }
  }

  private func expectBalance(_ figures: Figures, accounts: Int) {
    #expect(figures.opening == accounts * 1000 && figures.closing == figures.opening)
    #expect(figures.wrongAccounts == 0)
    #expect(figures.sent == figures.handled + figures.failed + figures.deadLetters)
    #expect(figures.transfers == figures.made + figures.refused + figures.refunded)
  }

  @Test(arguments: 1...4)
  func `money and messages balance although one posting in fifty goes wrong`(seed: Int) async throws {
    let result = try await Program.run(
      "Bank", ["--accounts", "250", "--transfers", "4000", "--mishaps", "50", "--seed", "\(seed)"])
    #expect(result.exitCode == 0)
    #expect(result.errors.isEmpty)
    let figures = try Figures(result.output)
    expectBalance(figures, accounts: 250)
    #expect(figures.transfers == 4000)
    #expect(figures.failed > 0 && figures.restarts == figures.failed)
    #expect(figures.made > 0 && figures.refused > 0 && figures.refunded > 0)
  }

  @Test func `two accounts, every second posting goes wrong`() async throws {
    let result = try await Program.run(
      "Bank", ["--accounts", "2", "--transfers", "100", "--mishaps", "2"])
    #expect(result.exitCode == 0)
    expectBalance(try Figures(result.output), accounts: 2)
  }

  @Test func `without mishaps nothing fails`() async throws {
    let result = try await Program.run("Bank", ["--accounts", "1000", "--transfers", "5000", "--mishaps", "0"])
    #expect(result.exitCode == 0)
    let figures = try Figures(result.output)
    expectBalance(figures, accounts: 1000)
    #expect(figures.failed == 0 && figures.restarts == 0)
  }

  @Test func `Ctrl-C ends it between transfers, and it balances`() async throws {
    let program = try Program("Bank", ["--transfers", "100000000", "--mishaps", "20", "--log"])
    try await program.waitForErrors(containing: "(incarnation 2)")
    program.interrupt()
    let result = try await program.result()
    #expect(result.exitCode == 130)
    let figures = try Figures(result.output)
    expectBalance(figures, accounts: 10_000)
    #expect(figures.transfers < 100_000_000)
  }

  @Test(arguments: [
    ["--accounts"], ["--accounts", "1"], ["--accounts", "many"], ["--transfers", "-1"], ["--unknown"], ["100"],
  ])
  func `a wrong command line is refused`(arguments: [String]) async throws {
    let result = try await Program.run("Bank", arguments)
    #expect(result.exitCode == 2)
    #expect(result.output.isEmpty)
    #expect(result.errors.hasPrefix("Bank: \(arguments.count == 2 ? arguments[0] : "")"))
    #expect(result.errors.contains("usage: Bank"))
  }
}
