import TestSupport
import Testing
import Troupe

/// The code of `Docs/Shutdown.md`, which is compiled and run here.
@Suite(.spins) struct ShutdownExamples {
  struct Resource: Sendable {
    let name: String
    let trail: Trail<String>
    func close() async { trail.append(name) }
    func end() async throws { trail.append(name) }
  }

  @Test func `a plain shutdown`() async {
    let system = ActorSystem("docs")
    let actor = system.spawn(state: 0) { (_, n: consuming Int, context) in }
    actor.send(1)
    let report = await system.shutdown()  // 30 s at most, for everything
    print(report)  // shutdown: 12 messages handled, 3 dropped
    // It may have been handled before.
    #expect(report.drained + report.dropped <= 1)
    #expect(system.counts.handled + system.counts.allDeadLetters == 1)
    await system.run(until: [.interrupt, .terminate])
  }

  @Test func `a handler asks for it`() async {
    let system = ActorSystem("docs")
    let actor = system.spawn(state: 0) { (_, n: consuming Int, context) in
      context.requestShutdown()
    }
    actor.send(1)
    #expect(await actor.termination.kind == "systemStopped")
    await system.shutdown()
  }

  @Test func `phases`() async {
    let trail = Trail<String>()
    let listener = Resource(name: "listener", trail: trail)
    let requests = Resource(name: "requests", trail: trail)
    let database = Resource(name: "database", trail: trail)
    let system = ActorSystem("docs")
    system.onShutdown(.unbind, "listener") { await listener.close() }  // no more work from outside
    system.onShutdown(.finish, "requests") { try await requests.end() }  // what is under way ends
    system.onShutdown(.release, "database") { await database.close() }  // after the actors
    let report = await system.shutdown()
    #expect(trail.all == ["listener", "requests", "database"])
    #expect(report.tasks.count == 3)
  }

  @Test func `phases of one's own`() async {
    var options = ActorSystem.Options()
    options.shutdownPhases = [.unbind, ShutdownPhase("replicate", deadline: .seconds(60)), .actors, .release]
    let system = ActorSystem("store", options: options)
    let done = Counter()
    system.onShutdown(ShutdownPhase("replicate"), "copies") { done.add() }
    await system.shutdown()
    #expect(done.value == 1)
  }

  @Test func `the code of the page is the code of this file`() throws {
    try DocPage("Shutdown.md").expectCode(atLeast: 5)
  }
}
