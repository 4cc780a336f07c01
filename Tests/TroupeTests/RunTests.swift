import Foundation
import Testing
import Troupe

/// A system that runs until a signal comes.
@Suite(.serialized) struct RunTests {
  private func system(_ stopped: Event) async -> ActorSystem {
    struct Service: Behavior {
      let begun: Event
      let stopped: Event
      mutating func started(in context: Context<Int>) { begun.set() }
      mutating func receive(_ message: consuming Int, in context: Context<Int>) {}
      mutating func stopping(in context: Context<Int>) { stopped.set() }
    }
    let system = ActorSystem("service", options: .init(workers: 1))
    let begun = Event()
    system.spawn("one") { Service(begun: begun, stopped: stopped) }
    await begun.wait()
    return system
  }

  @Test func `a signal shuts the system down, and does not end the process`() async {
    let stopped = Event()
    let system = await system(stopped)
    // So that one that comes before or after does not end the tests.
    signal(SIGUSR1, SIG_IGN)
    let run = Task { await system.run(until: [ProcessSignal(number: SIGUSR1)]) }
    // The source may not listen yet: then the signal is lost.
    while !stopped.isSet {
      kill(getpid(), SIGUSR1)
      await Task.yield()
    }
    let report = await run.value
    #expect(report.stuck == [])
  }

  @Test func `a shutdown from elsewhere ends it, and one that has been ends it at once`() async {
    let stopped = Event()
    let system = await system(stopped)
    let run = Task { await system.run(until: []) }
    system.requestShutdown()
    _ = await run.value
    #expect(stopped.isSet)
    _ = await system.run(until: [.hangup])
  }

  @Test func `cancellation ends it`() async {
    let stopped = Event()
    let system = await system(stopped)
    let run = Task { await system.run(until: []) }
    run.cancel()
    _ = await run.value
    #expect(stopped.isSet)
  }
}
