import TestSupport
import Testing
import Troupe

/// What stops the program, with a message that says why: streams, phases, interleaving.
@Suite(.spins) struct MisuseTests {
  final class Nothing: InterleavingBehavior {
    func receive(_ message: consuming Int, in context: Context<Int>) async {}
  }
  struct Reader: Behavior {
    mutating func receive(_ message: consuming StreamEvent<Int>, in context: Context<StreamEvent<Int>>) {}
    mutating func started(in context: Context<StreamEvent<Int>>) {
      context.consume(AsyncStream<Int> { nil }, demand: 0) { $0 }
    }
  }

  func expect(_ result: ExitTest.Result?, _ message: String) {
    let error = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(error.contains(message), "\(error)")
  }

  @Test func `a limit below 1`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      ActorSystem("x").spawn(limit: 0) { Nothing() }
    }
    expect(result, "must be at least 1")
  }

  @Test func `an interleaving behavior on another dispatcher`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      ActorSystem("x").spawn(options: SpawnOptions(dispatcher: .blocking), limit: 2) { Nothing() }
    }
    expect(result, "runs on the pool")
  }

  @Test func `a demand below 1`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let actor = ActorSystem("x").spawn { Reader() }
      _ = await actor.termination
    }
    expect(result, "a stream's demand must lie between")
  }

  @Test func `phases without the actors', or with one twice`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var options = ActorSystem.Options()
      options.shutdownPhases = [.unbind]
      _ = ActorSystem("x", options: options)
    }
    expect(result, "must have `actors` among them")
    let twice = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var options = ActorSystem.Options()
      options.shutdownPhases = [.unbind, .unbind, .actors]
      _ = ActorSystem("x", options: options)
    }
    expect(twice, "have the same name")
  }

  @Test func `a task for a phase that is not there`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      ActorSystem("x").onShutdown(ShutdownPhase("later"), "never") {}
    }
    expect(result, "later is no phase")
  }
}
