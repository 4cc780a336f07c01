import Dispatch
import Testing
import Troupe

// One after the other, as all that start processes.
@Suite(.serialized) struct DispatcherMisuseTests {
  private func expectMessage(_ result: ExitTest.Result?, _ part: String) {
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains(part), "\(text)")
  }

  @Test func `no thread for blocking actors stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = ActorSystem("x", options: .init(blockingThreads: 0))
    }
    expectMessage(result, "at least 1 thread for blocking actors, not 0")
    await #expect(processExitsWith: .failure) { _ = ActorSystem("x", options: .init(blockingThreads: -1)) }
  }

  @Test func `a blocking ask on a queue stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let system = ActorSystem("x")
      let oracle = system.spawn { Oracle() }
      let actor = system.spawn(options: SpawnOptions(dispatcher: .queue(DispatchQueue(label: "q"))), state: 0) {
        (_: inout Int, _: consuming Int, _: Context<Int>) in _ = try? oracle.ask(timeout: nil) { .keep($0) } as Int
      }
      actor.send(1)
      _ = await actor.termination
    }
    expectMessage(result, "await ask")
  }

  @Test func `a child of a pinned actor must not block on the pool`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let system = ActorSystem("x")
      let oracle = system.spawn { Oracle() }
      let parent = system.spawn(options: SpawnOptions(dispatcher: .pinned), state: 0) {
        (_: inout Int, _: consuming Int, context: Context<Int>) in
        context.spawn(state: 0) {
          (_: inout Int, _: consuming Int, _: Context<Int>) in _ = try? oracle.ask(timeout: nil) { .keep($0) } as Int
        }.send(1)
      }
      parent.send(1)
      _ = await parent.termination
    }
    expectMessage(result, "await ask")
  }

  struct Suicidal: AsyncBehavior {
    let system: ActorSystem
    func receive(_ message: consuming Bool, in context: Context<Bool>) async {
      // A deadline, so that where nobody objects the test fails and does not hang.
      await system.shutdown(deadline: .milliseconds(100))
    }
  }

  @Test func `a shutdown awaited in a handler beside the pool stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let system = ActorSystem("x")
      let actor = system.spawn(options: SpawnOptions(dispatcher: .blocking)) { Suicidal(system: system) }
      actor.send(false)
      _ = await actor.termination
    }
    expectMessage(result, "requestShutdown")
  }
}
