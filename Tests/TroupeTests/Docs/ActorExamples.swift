import TestSupport
import Testing
import Troupe

/// The code of `Docs/Actors.md`.
@Suite(.spins) struct ActorExamples {
  @Test func `the code of the page is the code of this file`() throws {
    try DocPage("Actors.md").expectCode(atLeast: 6)
  }

  struct Account: Behavior {
    enum Message: ~Copyable { case deposit(Int), balance(Reply<Int>) }
    var cents = 0

    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .deposit(let amount): cents += amount
      case .balance(let reply): reply.send(cents)
      }
    }
  }

  @Test func `an account, by itself and through an adapter`() async throws {
    let system = ActorSystem("docs")
    let account = system.spawn("alice") { Account() }
    account.send(.deposit(500))
    let balance = try await account.ask { .balance($0) }
    #expect(balance == 500)

    let cents: Address<Int> = account.contramap { .deposit($0) }
    cents.send(100)
    let more = try await account.ask { .balance($0) }
    #expect(more == 600)

    system.stop(account, .drain)
    let end = await account.termination
    #expect(end.kind == "stopped")
    await system.shutdown()
  }

  @Test func `a closure over a state`() async {
    let system = ActorSystem("docs")
    let counter = system.spawn("counter", state: 0) { (count: inout Int, step: consuming Int, context) in
      count += step
    }
    counter.send(2)
    system.stop(counter, .drain)
    _ = await counter.termination
    await system.shutdown()
    #expect(system.counts.handled == 1)
  }

  struct Source: Behavior {
    enum Message { case subscribe(Address<Int>), stop }
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch message {
      case .subscribe(let subscriber): subscriber.send(7)
      case .stop: context.stop()
      }
    }
  }

  struct Feed: Behavior {
    let source: Address<Source.Message>
    mutating func started(in context: Context<Int>) {
      source.send(.subscribe(context.address))
      context.watch(source)
    }
    mutating func receive(_ price: consuming Int, in context: Context<Int>) {}
    mutating func signal(_ signal: Signal, in context: Context<Int>) {
      if case .terminated = signal { context.stop() }
    }
    mutating func stopping(in context: Context<Int>) { context.log("no more prices") }
  }

  @Test func `the hooks`() async {
    let pool = Pooled("docs")
    let source = pool.system.spawn { Source() }
    let feed = pool.system.spawn("feed") { Feed(source: source) }
    source.send(.stop)
    #expect(await feed.termination.kind == "stopped")
    await pool.end()
    #expect(pool.log.all.contains("docs/feed: no more prices"))
  }

  @Test func `an actor that asks itself is told so, and a name that is taken ends the second`() async {
    struct Narcissus: AsyncBehavior {
      enum Message: ~Copyable { case look(Reply<String>), answer(Reply<Int>) }
      mutating func receive(_ message: consuming Message, in context: Context<Message>) async {
        switch consume message {
        case .answer(let reply): reply.send(1)
        case .look(let reply):
          do throws(AskError) {
            let answer = try await context.address.ask { .answer($0) } as Int
            reply.send("\(answer)")
          } catch { reply.send(error.kind) }
        }
      }
    }
    let pool = Pooled("docs")
    let narcissus = pool.system.spawn("narcissus") { Narcissus() }
    let seen = try? await narcissus.ask { .look($0) } as String
    #expect(seen == "cycle")
    let other = pool.system.spawn("narcissus") { Narcissus() }
    #expect(await other.termination.kind == "nameTaken")
    await pool.end()
  }
}
