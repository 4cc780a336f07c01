import TestSupport
import Testing
import Troupe

// One after the other: the library reads the output of its child processes on the threads that run the tests.
@Suite(.serialized) struct BadInputTests {
  /// The message of a precondition is there in debug builds only.
  private func expectMessage(_ result: ExitTest.Result?, _ part: String, inEveryBuild: Bool = false) {
    #if !DEBUG
      guard inEveryBuild else { return }
    #endif
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains(part), "\(text)")
  }

  @Test func `no workers stop the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = ActorSystem("x", options: .init(workers: 0))
    }
    expectMessage(result, "between 1 and 64 workers")
    await #expect(processExitsWith: .failure) { _ = ActorSystem("x", options: .init(workers: -1)) }
  }

  @Test func `65 workers stop the program, and 64 do not`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = ActorSystem("x", options: .init(workers: 65))
    }
    expectMessage(result, "between 1 and 64 workers")
    let pool = Pooled(workers: 64)
    let oracle = pool.system.spawn { Oracle() }
    let answer = try? await oracle.ask { .double(1, $0) } as Int
    #expect(answer == 2)
    await pool.end()
  }

  @Test func `an empty name stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = ActorSystem("x").spawn("") { Oracle() }
    }
    expectMessage(result, "name must not be empty")
  }

  @Test func `a name with a separator stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = ActorSystem("x").spawn("a/b") { Oracle() }
    }
    expectMessage(result, "must not contain a '/'")
  }

  @Test func `a system without a name, or with a separator in it, stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { _ = ActorSystem("") }
    expectMessage(result, "system's name must not be empty")
    await #expect(processExitsWith: .failure) { _ = ActorSystem("a/b") }
  }

  @Test func `a mailbox without room stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = MailboxOptions.bounded(-1)
    }
    expectMessage(result, "capacity", inEveryBuild: true)
    await #expect(processExitsWith: .failure) { _ = MailboxOptions.bounded(0) }
    await #expect(processExitsWith: .failure) { _ = MailboxOptions.bounded(Int.max) }
  }

  @Test func `a blocking ask on a worker stops the program and names the other form`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let system = ActorSystem("x")
      let oracle = system.spawn { Oracle() }
      let actor = system.spawn("a", state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in
        _ = try? oracle.ask(timeout: nil) { .keep($0) } as Int
      }
      actor.send(1)
      _ = await actor.termination
    }
    expectMessage(result, "await ask", inEveryBuild: true)
  }

  @Test func `a blocking ask inside a task stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let oracle = ActorSystem("x").spawn { Oracle() }
      // A synchronous function hides the call from the compiler.
      func block() { _ = try? oracle.ask(timeout: nil) { .keep($0) } as Int }
      block()
    }
    expectMessage(result, "await ask", inEveryBuild: true)
  }

  /// Shuts its own system down and waits, at once or after it was suspended.
  struct Suicidal: AsyncBehavior {
    let system: ActorSystem
    func receive(_ message: consuming Bool, in context: Context<Bool>) async {
      if message { await Task.detached {}.value }
      // A deadline, so that where nobody objects the test fails and does not hang.
      await system.shutdown(deadline: .milliseconds(100))
    }
  }

  @Test func `a shutdown awaited in a handler stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let system = ActorSystem("x")
      let actor = system.spawn { Suicidal(system: system) }
      actor.send(false)
      _ = await actor.termination
    }
    expectMessage(result, "requestShutdown", inEveryBuild: true)
  }

  @Test func `a shutdown awaited in a handler that was suspended before stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let system = ActorSystem("x")
      let actor = system.spawn { Suicidal(system: system) }
      actor.send(true)
      _ = await actor.termination
    }
    expectMessage(result, "requestShutdown", inEveryBuild: true)
  }

  @Test func `a living name that is taken gives an address that has ended`() async {
    let pool = Pooled()
    let ledger = Ledger()
    let first = pool.system.spawn("one") { Oracle() }
    let second = pool.system.spawn("one") { Oracle() }
    let byValue = pool.system.spawn("one", behavior: Owner(token: Token(ledger)))
    #expect(first != second)
    #expect(await second.termination.kind == "nameTaken")
    #expect(await byValue.termination.kind == "nameTaken")
    #expect(ledger.madeCount == 1 && ledger.isBalanced)
    #expect(pool.log.all.filter { $0.contains("pool/one") }.count == 2)
    second.send(.stop)
    #expect(pool.system.counts.deadLetters == [.ended: 1])
    let answer = try? await first.ask { .double(1, $0) } as Int
    #expect(answer == 2)
    let error = await failureOf { () async throws(AskError) in try await second.ask { .double(1, $0) } as Int }
    #expect(error?.kind == "ended")
    // Below another parent the name is another one.
    let parent = pool.system.spawn("two", state: 0) {
      (_: inout Int, reply: consuming Reply<String>, context: Context<Reply<String>>) in
      reply.send(context.spawn("one") { Oracle() }.path)
    }
    let path = try? await parent.ask { $0 } as String
    #expect(path == "pool/two/one")
    first.send(.stop)
    _ = await first.termination
    let third = pool.system.spawn("one") { Oracle() }
    let again = try? await third.ask { .double(2, $0) } as Int
    #expect(again == 4)
    await pool.end()
  }

  struct Owner: Behavior, ~Copyable {
    let token: Token
    func receive(_ message: consuming Int, in context: Context<Int>) {}
  }

  @Test func `of threads that race for a name one gets it`() async {
    let pool = Pooled(workers: 2)
    for _ in 0..<Scale.count(100) {
      let won = Trail<Address<Int>>()
      let system = pool.system
      let threads = (0..<3).map { _ in
        TestThread {
          let actor = system.spawn("name", state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in }
          if case .sent = actor.trySend(1) { won.append(actor) }
        }
      }
      for thread in threads { await thread.value }
      #expect(won.count == 1)
      for each in won.all {
        system.stop(each)
        _ = await each.termination
      }
    }
    await pool.end()
  }
}
