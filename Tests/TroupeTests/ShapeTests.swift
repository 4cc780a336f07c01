import TestSupport
import Testing
import Troupe

/// The forms of spawning, of messages and of asks.
@Suite(.spins) struct ShapeTests {
  @Test func `a closure over a state is an actor`() async {
    let pool = Pooled()
    enum Message: ~Copyable { case add(Int), total(Reply<Int>) }
    let counter = pool.system.spawn("counter", state: 10) {
      (sum: inout Int, message: consuming Message, context: Context<Message>) in
      switch consume message {
      case .add(let n): sum += n
      case .total(let reply): reply.send(sum)
      }
    }
    for n in 1...4 { counter.send(.add(n)) }
    let total = try? await counter.ask { .total($0) } as Int
    #expect(total == 20)
    await pool.end()
  }

  /// Owns the receiving end of a channel, which cannot be copied.
  struct Collector: Behavior, ~Copyable {
    var receiver: Receiver<Int>
    mutating func receive(_ message: consuming Reply<[Int]>, in context: Context<Reply<[Int]>>) {
      var all: [Int] = []
      while case .received(let n) = receiver.tryReceive() { all.append(n) }
      message.send(all)
    }
  }

  @Test func `a behavior given by value takes along what cannot be copied`() async {
    let pool = Pooled()
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    let collector = pool.system.spawn("collector", behavior: Collector(receiver: channel.receiver))
    for n in 0..<5 { _ = sender.send(n) }
    let all = try? await collector.ask { $0 } as [Int]
    #expect(all == [0, 1, 2, 3, 4])
    pool.system.stop(collector)
    _ = await collector.termination
    // The receiver went with its owner.
    #expect(sender.send(6) == .closed(6))
    await pool.end()
  }

  enum Envelope: ~Copyable, Sendable {
    case take(Token, Reply<Int>)
    case swap(Token, Reply<Token>)
  }

  @Test func `an ask carries a payload that a closure cannot capture`() async throws {
    let ledger = Ledger()
    let pool = Pooled()
    let actor = pool.system.spawn(state: Int(0)) {
      (count: inout Int, message: consuming Envelope, _: Context<Envelope>) in
      switch consume message {
      case .take(let token, let reply):
        _ = consume token
        count += 1
        reply.send(count)
      case .swap(let token, let reply): reply.send(token)
      }
    }
    for n in 1...3 {
      let count: Int = try await actor.ask(with: Token(ledger)) { .take($0, $1) }
      #expect(count == n)
    }
    let back: Token = try await actor.ask(with: Token(ledger)) { .swap($0, $1) }
    #expect(ledger.alive == 1)
    _ = consume back
    pool.system.stop(actor)
    _ = await actor.termination
    let error = await failureOf { () async throws(AskError) in
      try await actor.ask(with: Token(ledger)) { .take($0, $1) } as Int
    }
    #expect(error?.kind == "ended")
    #expect(ledger.madeCount == 5 && ledger.isBalanced)
    await pool.end()
  }

  @Test func `an ask of a full mailbox fails at once`() async {
    let sim = Simulation(seed: 1)
    let oracle = sim.system.spawn("small", options: SpawnOptions(mailbox: .bounded(1))) { Oracle() }
    let first = sim.start { try await oracle.ask(timeout: nil) { .double(1, $0) } as Int }
    let second = sim.start { try await oracle.ask(timeout: nil) { .double(2, $0) } as Int }
    oracle.send(.answerKept(0))
    sim.run()
    // Both or one, by the order of the run; who was refused knows why.
    let refused = [first, second].compactMap { $0.askError?.kind }
    #expect(refused.allSatisfy { $0 == "mailboxFull" } && !refused.isEmpty)
    #expect(first.isOver && second.isOver)
    sim.end()
  }

  @Test func `a reply without a value says that it was done, and one may be failed with an error`() async {
    let pool = Pooled()
    let actor = pool.system.spawn(state: 0) { (_: inout Int, message: consuming Reply<Void>, _: Context<Reply<Void>>) in
      message.send()
    }
    let isDone: ()? = try? await actor.ask { $0 }
    #expect(isDone != nil)
    await pool.end()
  }

  @Test func `pending replies are kept by key, taken, answered, and failed with their keeper`() {
    struct Keeper: Behavior, ~Copyable {
      enum Message: ~Copyable {
        case keep(String, Reply<Int>), answer(String, Int), all(Int), sweep(Reply<Int>), count(Reply<Int>), stop
      }
      var pending = PendingReplies<String, Int>()
      mutating func receive(_ message: consuming Message, in context: Context<Message>) {
        switch consume message {
        case .keep(let key, let reply):
          // A second one under a key hands the first one back, and it is answered here.
          if let before = pending.insert(reply, for: key) { before.send(-1) }
        case .answer(let key, let value): pending.remove(key)?.send(value)
        case .all(let value): pending.sendAll { $0.utf8.count + value }
        case .sweep(let reply): reply.send(pending.removeAbandoned())
        case .count(let reply): reply.send(pending.contains("a") ? pending.count : pending.isEmpty ? 0 : -pending.count)
        case .stop: context.stop()
        }
      }
    }
    let sim = Simulation(seed: 1)
    let keeper = sim.system.spawn { Keeper() }
    func keep(_ key: String, timeout: Duration? = nil) -> Outcome<Int> {
      let ask = sim.start { try await keeper.ask(timeout: timeout) { .keep(key, $0) } as Int }
      sim.run()
      return ask
    }
    func figure(_ make: @escaping @Sendable (consuming Reply<Int>) -> Keeper.Message) -> Int? {
      let ask = sim.start { try await keeper.ask(timeout: nil) { make($0) } as Int }
      sim.run()
      return ask.value
    }
    #expect(figure { .count($0) } == 0)
    let (a, b, short) = (keep("a"), keep("bb"), keep("ccc", timeout: .seconds(1)))
    #expect(figure { .count($0) } == 3)
    let again = keep("a")
    #expect(a.value == -1)
    keeper.send(.answer("a", 7))
    keeper.send(.answer("nobody", 7))
    sim.run()
    #expect(again.value == 7)
    #expect(figure { .sweep($0) } == 0)
    sim.advance(by: .seconds(2))
    #expect(short.askError?.kind == "timedOut")
    #expect(figure { .sweep($0) } == 1)
    let more = keep("dddd")
    keeper.send(.all(100))
    sim.run()
    #expect(b.value == 102 && more.value == 104)
    #expect(figure { .count($0) } == 0)
    let last = keep("e")
    keeper.send(.stop)
    sim.run()
    #expect(last.askError?.kind == "ended")
    sim.end()
  }
}
