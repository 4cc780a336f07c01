import Foundation
import Testing
import Troupe
import TroupeTestKit

struct Oops: Error {}

/// What is open at the end of a simulation is said, and nothing else.
@Suite struct CheckTests {
  static func kinds(_ options: Simulation.Options = .init(), _ body: (Simulation) throws -> Void) throws -> [Simulation
    .Issue.Kind]
  {
    let simulation = Simulation(seed: 3, options: options)
    try body(simulation)
    do {
      try simulation.finish()
      return []
    } catch {
      return error.issues.map(\.kind)
    }
  }

  @Test func `a clean run has no issue`() throws {
    let kinds = try CheckTests.kinds { simulation in
      let echo = simulation.system.spawn("echo", state: 0) { (_, message: consuming Reply<Int>, _) in message.send(3) }
      let answer = try simulation.run { try await echo.ask { $0 } }
      #expect(answer == 3)
    }
    #expect(kinds.isEmpty)
  }

  @Test func `a failure is an issue, unless it was expected`() throws {
    func fail(_ simulation: Simulation) -> Address<Int> {
      let actor = simulation.system.spawn("a", state: 0) { (_, _: consuming Int, _) in throw Oops() }
      actor.send(1)
      simulation.runUntilIdle()
      return actor
    }
    #expect(try CheckTests.kinds { _ = fail($0) } == [.unexpectedFailure])
    #expect(try CheckTests.kinds { try $0.expectFailure(of: fail($0)) } == [])
    #expect(try CheckTests.kinds(.init(allowed: [.unexpectedFailure])) { _ = fail($0) } == [])
    let none = #expect(throws: SimulationFailure.self) { try Simulation(seed: 1).expectFailure() }
    #expect(none?.issues.first?.kind == .expectation)
  }

  @Test func `asks that nobody answers are issues`() throws {
    final class Kept: @unchecked Sendable { var replies = PendingReplies<Int, Int>() }
    func ask(_ simulation: Simulation, timeout: Duration?) -> SimulatedTask<Int> {
      let kept = Kept()
      let actor = simulation.system.spawn("keeper", state: kept) {
        (kept: inout Kept, message: consuming Reply<Int>, _) in
        kept.replies.insert(message, for: 1)
      }
      return simulation.start("asker") { try await actor.ask(timeout: timeout) { $0 } }
    }
    let open = try CheckTests.kinds { _ = ask($0, timeout: nil) }
    #expect(open == [.unansweredAsk, .unfinishedTask])
    #expect(
      try CheckTests.kinds {
        let task = ask($0, timeout: .seconds(1))
        #expect(throws: AskError.self) { try task.value() }
      } == [.unansweredAsk])
    #expect(
      try CheckTests.kinds {
        let task = ask($0, timeout: .seconds(1))
        #expect(throws: AskError.self) { try task.value() }
        try $0.expectFailedAsk { $0.target == "sim/keeper" }
      } == [])
  }

  @Test func `a mailbox that is left full is an issue`() throws {
    let kinds = try CheckTests.kinds { simulation in
      let actor = simulation.system.spawn("a", state: 0) { (_, _: consuming Int, _) in }
      simulation.runUntilIdle()
      simulation.system.suspend(actor)
      actor.send(1)
    }
    #expect(kinds == [.undrainedMailbox])
    let stashed = try CheckTests.kinds { simulation in
      let actor = simulation.system.spawn("a", state: 0) { (_, message: consuming Int, context: Context<Int>) in
        try context.stash(message).get()
      }
      actor.send(1)
    }
    #expect(stashed == [.undrainedMailbox])
  }

  final class Held: @unchecked Sendable { var continuation: UnsafeContinuation<Void, Never>? }

  /// Does not hear that it is cancelled.
  struct Stubborn: AsyncBehavior {
    let held: Held
    mutating func receive(_ message: consuming Int, in context: Context<Int>) async {
      await withUnsafeContinuation { held.continuation = $0 }
    }
  }

  @Test func `an actor that does not end is a leak`() throws {
    let (task, handler) = (Held(), Held())
    var kept: Simulation?
    let kinds = try CheckTests.kinds { simulation in
      kept = simulation
      simulation.start("never") { await withUnsafeContinuation { task.continuation = $0 } }
      let actor = simulation.system.spawn("stubborn") { Stubborn(held: handler) }
      actor.send(1)
    }
    #expect(kinds.contains(.leakedActor))
    #expect(kinds.contains(.unfinishedTask))
    task.continuation?.resume()
    handler.continuation?.resume()
    kept?.runUntilIdle()
    #expect(kept?.livingActors == [])
  }

  @Test func `dead letters are looked at if asked for`() throws {
    func letter(_ simulation: Simulation) {
      let actor = simulation.system.spawn("a", state: 0) { (_, _: consuming Int, _) in }
      simulation.runUntilIdle()
      simulation.system.stop(actor)
      simulation.runUntilIdle()
      actor.send(1)
    }
    #expect(try CheckTests.kinds { letter($0) } == [])
    #expect(try CheckTests.kinds(.init(checksDeadLetters: true)) { letter($0) } == [.unexpectedDeadLetter])
    #expect(
      try CheckTests.kinds(.init(checksDeadLetters: true)) {
        letter($0)
        try $0.expectDeadLetter { $0.reason == .ended }
      } == [])
  }

  @Test func `what comes from another thread is noticed`() throws {
    let simulation = Simulation(seed: 1)
    let actor = simulation.system.spawn("a", state: 0) { (_, _: consuming Int, _) in }
    let held = Held()
    simulation.start("escapes") {
      await withUnsafeContinuation { held.continuation = $0 }
      actor.send(1)
    }
    simulation.runUntilIdle()
    // Resumed by another thread, once it waits.
    Thread.detachNewThread { held.continuation?.resume() }
    while simulation.escapeCount == 0 { sched_yield() }
    simulation.runUntilIdle()
    let found = #expect(throws: SimulationFailure.self) { try simulation.finish() }
    #expect(found?.issues.map(\.kind) == [.escape])
  }

  @Test func `what waits for ever is said`() throws {
    let simulation = Simulation(seed: 1)
    let held = Held()
    let task = simulation.start("waits") { await withUnsafeContinuation { held.continuation = $0 } }
    let failure = #expect(throws: SimulationFailure.self) { try task.value() }
    #expect(failure?.issues.first?.kind == .stuck)
    #expect(failure?.issues.first?.text.contains("task waits waits") == true)
    held.continuation?.resume()
    try task.value()
  }

  @Test func `the test itself may answer`() throws {
    let kinds = try CheckTests.kinds { simulation in
      let probe = simulation.probe(of: Reply<Int>.self)
      let task = simulation.start { try await probe.address.ask { $0 } }
      try probe.next().send(4)
      let answer = try task.value()
      #expect(answer == 4)
    }
    #expect(kinds == [])
  }

  final class Pages: InterleavingBehavior {
    let simulation: Simulation
    init(_ simulation: Simulation) { self.simulation = simulation }
    func receive(_ message: consuming Reply<Int>, in context: Context<Reply<Int>>) async throws {
      try await simulation.sleep(for: .seconds(1))
      message.send(1)
    }
  }

  @Test func `handlers that interleave are part of it`() throws {
    let kinds = try CheckTests.kinds { simulation in
      let pages = simulation.system.spawn("pages", limit: 4) { Pages(simulation) }
      let sum = try simulation.run {
        async let a = pages.ask { $0 }
        async let b = pages.ask { $0 }
        return try await a + b
      }
      #expect(sum == 2)
      #expect(simulation.now == .seconds(1))
      #expect(simulation.history.description.contains("sim/pages handles #"))
    }
    #expect(kinds == [])
  }

  @Test func `a simulation that does not come to rest is stopped`() throws {
    let kinds = try CheckTests.kinds(.init(stepLimit: 1000)) { simulation in
      let actor = simulation.system.spawn("a", state: 0) { (_, message: consuming Int, context: Context<Int>) in
        if message == 0 { context.stop() } else { context.address.send(message) }
      }
      actor.send(1)
      simulation.runUntilIdle()
      simulation.system.stop(actor)
    }
    #expect(kinds == [.endless])
  }

  @Test func `issues go to a handler, if there is one`() throws {
    final class Heard: @unchecked Sendable { var failures: [SimulationFailure] = [] }
    let heard = Heard()
    let simulation = Simulation(seed: 9, options: .init(issueHandler: { heard.failures.append($0) }))
    let actor = simulation.system.spawn("a", state: 0) { (_, _: consuming Int, _) in throw Oops() }
    actor.send(1)
    try simulation.finish()
    #expect(heard.failures.map(\.seed) == [9])
    #expect(heard.failures.first?.description.contains("sim/a handles #1 Int from test") == true)
  }
}
