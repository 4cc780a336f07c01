import TestSupport
import Testing
import Troupe

/// The code of `Docs/Streams.md`, which is compiled and run here.
@Suite(.spins) struct StreamExamples {
  /// Some lines of text.
  typealias Lines = AsyncStream<String>

  struct Importer: Behavior {
    enum Message: Sendable { case begin(Lines), line(StreamEvent<String>) }
    var count = 0
    mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
      switch consume message {
      case .begin(let lines): context.consume(lines, demand: 8) { .line($0) }
      case .line(.element): count += 1
      case .line(.finished): context.stop()
      case .line(.failed(let error)): throw error
      }
    }
  }

  @Test func `a sequence into an actor`() async {
    let system = ActorSystem("docs")
    let (lines, feed) = AsyncStream.makeStream(of: String.self)
    let importer = system.spawn { Importer() }
    importer.send(.begin(lines))
    for i in 0..<100 { feed.yield("line \(i)") }
    feed.finish()
    #expect(await importer.termination.kind == "stopped")
    #expect(system.counts.handled == 102)
    await system.shutdown()
  }

  struct Clock: Behavior {
    enum Message: Sendable { case subscribe(Address<Int>), tick }
    var subscribers: [Address<Int>] = []
    var ticks = 0
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .subscribe(let subscriber):
        subscribers.append(subscriber)
        context.timers.fixedRate("tick", every: .milliseconds(1)) { .tick }
      case .tick:
        ticks += 1
        for subscriber in subscribers { subscriber.send(ticks) }
      }
    }
  }

  @Test func `a sequence out of the actors`() async {
    let system = ActorSystem("docs")
    let clock = system.spawn { Clock() }
    let address = await { () async -> Address<Int> in
      let ticks = Outlet<Int>(in: system, "ticks", buffer: 16)
      clock.send(.subscribe(ticks.address))
      for await tick in ticks {
        if tick == 3 { break }
      }
      return ticks.address
    }()
    #expect(await address.termination.kind == "stopped")
    await system.shutdown()
  }

  @Test func `the code of the page is the code of this file`() throws {
    try DocPage("Streams.md").expectCode(atLeast: 2)
  }
}
