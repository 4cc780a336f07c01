import Testing

@Suite(.timeLimit(.minutes(5)))
struct DiningPhilosophersTests {
  private func meals(_ output: String) throws -> [Int] {
    let lines = output.split(separator: "\n")
    let meals = try lines.dropLast().enumerated().map { seat, line in
      let match = try #require(
        line.wholeMatch(of: #/philosopher (\d+): (\d+) meals, waited \d+ ms at most/#), "\(line)")
      #expect(Int(match.1) == seat)
      return try #require(Int(match.2))
    }
    #expect(lines.last == "\(meals.reduce(0, +)) meals")
    return meals
  }

  /// That the meals are eaten at all says that nobody waits for ever.
  @Test(arguments: [2, 3, 5, 16], 1...2)
  func `everyone eats, and nobody much less than the others`(philosophers: Int, seed: Int) async throws {
    let wanted = 80 * philosophers
    let result = try await Program.run(
      "DiningPhilosophers",
      ["--philosophers", "\(philosophers)", "--seconds", "86400", "--meals", "\(wanted)", "--seed", "\(seed)"])
    #expect(result.exitCode == 0)
    #expect(result.errors.isEmpty)
    let meals = try meals(result.output)
    #expect(meals.count == philosophers)
    #expect(meals.reduce(0, +) == wanted)
    let (least, most) = (meals.min() ?? 0, meals.max() ?? 0)
    #expect(least > 0 && most <= least * 2, "\(meals)")
  }

  @Test func `the evening ends by itself`() async throws {
    let result = try await Program.run("DiningPhilosophers", ["--seconds", "1", "--philosophers", "3"])
    #expect(result.exitCode == 0)
    #expect(try meals(result.output).count == 3)
  }

  @Test(arguments: [["--philosophers", "1"], ["--seconds", "0"], ["--seconds"], ["--unknown"]])
  func `a wrong command line is refused`(arguments: [String]) async throws {
    let result = try await Program.run("DiningPhilosophers", arguments)
    #expect(result.exitCode == 2)
    #expect(result.output.isEmpty)
    #expect(result.errors.hasPrefix("DiningPhilosophers: "))
    #expect(result.errors.contains("usage: DiningPhilosophers"))
  }
}
