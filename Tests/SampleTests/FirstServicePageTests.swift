import Foundation
import Synchronization
import Testing
import Troupe

/// The code of `Docs/FirstService.md`: that of the sample `Samples/FirstService`, of its tests, and of this file.
struct FirstServicePageTests {
  /// The program of the third step, before there is anything else.
  enum ThirdStep {
    struct Records: Behavior {
      enum Message: ~Copyable { case add(Double), average(Reply<Double>) }
      var readings: [Double] = []
      mutating func receive(_ message: consuming Message, in context: Context<Message>) {
        switch consume message {
        case .add(let reading): readings.append(reading)
        case .average(let reply): reply.send(readings.reduce(0, +) / Double(readings.count))
        }
      }
    }
    static let printed = Mutex<[Double]>([])
    static func print(_ value: Double) { printed.withLock { $0.append(value) } }

    struct Monitor {
      static func main() async throws {
        let system = ActorSystem("monitor")
        let records = system.spawn("records") { Records() }
        records.send(.add(0.25))
        records.send(.add(0.75))
        let average = try await records.ask(timeout: .seconds(1)) { .average($0) }
        print(average)
        await system.shutdown()
      }
    }
  }

  @Test func `the program of the third step prints the average`() async throws {
    try await ThirdStep.Monitor.main()
    #expect(ThirdStep.printed.withLock { $0 } == [0.5])
  }

  @Test func `the code of the page is that of the sample`() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..").standardized
    func text(_ path: String) throws -> String {
      try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }
    let blocks = try text("Docs/FirstService.md").components(separatedBy: "```swift\n").dropFirst().map {
      $0.components(separatedBy: "```\n")[0]
    }
    let sources = ["Records", "Sampler", "Reporter", "Monitor"].map { "Samples/FirstService/Sources/\($0).swift" }
    let files = sources + ["Tests/SampleTests/MonitorTests.swift"]
    // Beside these files there are the manifest, and the program of the third step.
    #expect(blocks.count == files.count + 2)
    for file in files { #expect(blocks.contains(try text(file)), "\(file)") }

    func lines(_ text: String) -> [String] {
      text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    let here = lines(try String(contentsOf: URL(fileURLWithPath: #filePath), encoding: .utf8))
    let program = try #require(blocks.first { $0.contains("@main") })
    // Without the import and `@main`, which a file of tests cannot have.
    let body = lines(program).filter { $0 != "import Troupe" && $0 != "@main" }
    #expect(body.count > 8 && here.indices.contains { here[$0...].starts(with: body) })
  }
}
