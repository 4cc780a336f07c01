import Dispatch
import Foundation
import TestSupport
import Testing
import Troupe

/// The code of `Docs/Dispatchers.md`.
@Suite(.spins) struct DispatcherExamples {
  @Test func `the code of the page is the code of this file`() throws {
    try DocPage("Dispatchers.md").expectCode(atLeast: 4)
  }

  /// Answers that it is there.
  struct Present: Behavior {
    mutating func receive(_ message: consuming Reply<Bool>, in context: Context<Reply<Bool>>) { message.send(true) }
  }
  typealias Index = Present
  typealias Renderer = Present
  typealias Store = Present

  struct Files: Behavior {
    enum Message: ~Copyable { case read(String, Reply<[UInt8]>) }
    mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
      switch consume message {
      case .read(let path, let reply): reply.send(try readFile(path))
      }
    }
  }

  @MainActor final class Window: Sendable {
    let shown = Event()
    nonisolated init() {}
    var title = "" {
      didSet { shown.set() }
    }
  }

  struct Title: MainActorBehavior {
    let window: Window  // @MainActor
    mutating func receive(_ message: consuming String, in context: Context<String>) { window.title = message }
  }

  @Test func `five places to run`() async throws {
    let system = ActorSystem("docs", options: .init(log: { _ in }))
    let queue = DispatchQueue(label: "docs")
    let window = Window()
    let index = system.spawn("index") { Index() }  // the pool
    let files = system.spawn("files", options: SpawnOptions(dispatcher: .blocking)) { Files() }
    let gpu = system.spawn("gpu", options: SpawnOptions(dispatcher: .pinned)) { Renderer() }
    let store = system.spawn("store", options: SpawnOptions(dispatcher: .queue(queue))) { Store() }
    let title = system.spawn("title") { Title(window: window) }  // a MainActorBehavior

    for actor in [index, gpu, store] {
      let isPresent = try await actor.ask(timeout: nil) { $0 } as Bool
      #expect(isPresent)
    }
    let bytes = try await files.ask(timeout: nil) { .read(#filePath, $0) }
    #expect(!bytes.isEmpty)
    title.send("Troupe")
    await window.shown.wait()
    #expect(await window.title == "Troupe")
    await system.shutdown()
  }

  struct Metrics: Sendable {
    let reported = Event()
    func count(_ subject: Watchdog.Subject) { reported.set() }
  }

  @Test func `a watchdog`() async {
    let metrics = Metrics()
    let watchdog = Watchdog(limit: .milliseconds(200)) { report in metrics.count(report.subject) }
    let system = ActorSystem("docs", options: ActorSystem.Options(watchdog: watchdog))
    let holder = system.spawn(state: 0) { (_, reported: consuming Event, _) in reported.spin() }
    holder.send(metrics.reported)
    await metrics.reported.wait()
    await system.shutdown()
  }
}

private func readFile(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }
