import Testing

@Suite(.timeLimit(.minutes(5)))
struct ElevatorTests {
  private func run(_ arguments: String...) async throws -> (breakdowns: Int, last: String) {
    let result = try await Program.run("Elevator", arguments)
    #expect(result.exitCode == 0)
    #expect(result.errors.isEmpty)
    let lines = result.output.split(separator: "\n")
    #expect(lines.dropLast().allSatisfy { $0.wholeMatch(of: #/car-\d+ broke down/#) != nil }, "\(result.output)")
    return (lines.count - 1, String(lines.last ?? ""))
  }

  @Test(arguments: 1...3) func `everyone arrives, although elevators break down`(seed: Int) async throws {
    let (breakdowns, last) = try await run("--breakdowns", "10", "--seed", "\(seed)")
    #expect(last.hasPrefix("60 of 60 passengers are where they wanted to be"))
    #expect(breakdowns > 0)
  }

  @Test func `a single elevator that hardly ever works`() async throws {
    let (_, last) = try await run("--cars", "1", "--passengers", "10", "--breakdowns", "6")
    #expect(last.hasPrefix("10 of 10 passengers"))
  }

  @Test func `nothing breaks, nobody comes`() async throws {
    #expect(try await run("--breakdowns", "0") == (0, "60 of 60 passengers are where they wanted to be; 0 repairs"))
    #expect(try await run("--passengers", "0") == (0, "0 of 0 passengers are where they wanted to be; 0 repairs"))
  }

  @Test(arguments: [["--cars", "0"], ["--cars", "101"], ["--cars"], ["--floors", "3"]])
  func `a wrong command line is refused`(arguments: [String]) async throws {
    let result = try await Program.run("Elevator", arguments)
    #expect(result.exitCode == 2)
    #expect(result.output.isEmpty)
    #expect(result.errors.hasPrefix("Elevator: ") && result.errors.contains("usage: Elevator"))
  }
}
