import Testing

@Suite(.timeLimit(.minutes(2)))
struct MpscTests {
  @Test func `Mpsc goes through all sections and says what happens`() async throws {
    let result = try await Program.run("Mpsc", [])
    #expect(result.exitCode == 0)
    #expect(result.errors.isEmpty)
    let lines = result.output.split(separator: "\n").map(String.init)
    let sections = lines.filter { $0.first?.isNumber == true && $0.contains(". ") }
    #expect(sections.compactMap { Int($0.prefix { $0 != "." }) } == Array(1...11))
    let expected = [
      "got: hi", "the sender is gone, and everything is received", "from a: a1 a2 a3", "from b: b1 b2 b3",
      "got: the result", "nobody receives any more; back came: a letter", "as an error: closed",
      "now there is nothing, and nothing can come", "a temperature: 21.5", "there is no room for 3",
      "never more than two in the channel: true", "done says: it was taken", "the square of 4 is 16",
      "no answer about -1",
    ]
    var rest = lines[...]
    for line in expected {
      let place = rest.firstIndex(of: line)
      #expect(place != nil, "'\(line)' is missing, or out of order")
      if let place { rest = rest[(place + 1)...] }
    }
  }

  @Test func `Mpsc prints the same each time`() async throws {
    let first = try await Program.run("Mpsc", []).output
    for _ in 0..<10 { #expect(try await Program.run("Mpsc", []).output == first) }
  }
}
