import TestSupport
import Testing
import Troupe

/// The code of `Docs/Ask.md`.
@Suite(.spins) struct AskExamples {
  @Test func `the code of the page is the code of this file`() throws {
    try DocPage("Ask.md").expectCode(atLeast: 6)
  }

  struct UnknownSymbol: Error {}

  struct Quotes: Behavior {
    enum Message: ~Copyable {
      case price(ServiceRequest<String, Int>)
      case symbols(Reply<[String]>)
    }
    var prices = ["TEA": 7]

    mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
      switch consume message {
      case .symbols(let reply): reply.send(prices.keys.sorted())
      case .price(let question):
        guard let price = prices[question.request] else { throw UnknownSymbol() }
        question.answer(price)
      }
    }
  }

  @Test func `questions and answers`() async throws {
    let system = ActorSystem("docs", options: .init(log: { _ in }))
    let quotes = system.spawn("quotes") { Quotes() }
    let symbols = try await quotes.ask { .symbols($0) }
    let price = try await quotes.ask(timeout: .seconds(1)) { .price(ServiceRequest("TEA", $0)) }
    #expect(symbols == ["TEA"] && price == 7)

    do throws(AskError) {
      _ = try await quotes.ask { .price(ServiceRequest("GOLD", $0)) }
    } catch {
      switch error.reason {
      case .failed(let cause) where cause is UnknownSymbol: print("there is no such symbol")
      case .timedOut, .cancelled: print("it may be done all the same")
      default: print(error)
      }
    }
    await system.shutdown()
    #expect(system.counts.failed == 1)
  }

  struct Broker: Behavior {
    enum Message: Sendable { case look, found(Result<Int, AskError>) }
    let quotes: Address<Quotes.Message>
    let found: Trail<Int>

    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch message {
      case .look: context.ask(quotes, { .price(ServiceRequest("TEA", $0)) }, as: { .found($0) })
      case .found(.success(let price)): found.append(price)
      case .found(.failure(let error)): context.log("\(error)")
      }
    }
  }

  @Test func `an answer that comes as a message, and a question that nobody waits for`() {
    let sim = Simulation(seed: 1)
    let found = Trail<Int>()
    let quotes = sim.system.spawn("quotes") { Quotes() }
    let broker = sim.system.spawn("broker") { Broker(quotes: quotes, found: found) }
    broker.send(.look)
    sim.run()
    #expect(found.all == [7])

    sim.system.suspend(quotes)
    broker.send(.look)
    sim.advance(by: .seconds(6))
    sim.system.resume(quotes)
    sim.run()
    #expect(found.all == [7])
    #expect(sim.log.all.contains { $0.hasPrefix("sim/broker: ask of sim/quotes") })
    #expect(sim.system.counts.deadLetters == [.abandoned: 1])
    sim.end()
  }

  struct Desk: Behavior, ~Copyable {
    enum Message: ~Copyable { case order(Int, Reply<String>), ready(Int) }
    var waiting = PendingReplies<Int, String>()

    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .order(let number, let reply): waiting.insert(reply, for: number)
      case .ready(let number): waiting.remove(number)?.send("number \(number) is ready")
      }
    }
  }

  @Test func `an answer that comes later`() {
    let sim = Simulation(seed: 2)
    let desk = sim.system.spawn { Desk() }
    let orders = (1...3).map { number in sim.start { try await desk.ask { .order(number, $0) } as String } }
    sim.run()
    desk.send(.ready(2))
    sim.run()
    #expect(orders.map(\.value) == [nil, "number 2 is ready", nil])
    sim.system.stop(desk)
    sim.run()
    #expect(orders.map { $0.askError?.kind } == ["ended", nil, "ended"])
    sim.end()
  }
}

extension AskExamples.Quotes {
  static func isStale(_ message: borrowing Message) -> Bool {
    switch message {
    case .price(let question): question.reply.isAbandoned
    case .symbols: false
    }
  }
}
