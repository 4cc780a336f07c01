import TestSupport
import Testing
import Troupe

/// The code of `Docs/Timers.md`.
@Suite struct TimerExamples {
  @Test func `the code of the page is the code of this file`() throws {
    try DocPage("Timers.md").expectCode(atLeast: 3)
  }

  struct Heartbeat: Behavior {
    enum Message: Sendable { case beat, deadline }
    let seen: Trail<String>

    mutating func started(in context: Context<Message>) {
      context.timers.fixedRate("beat", every: .seconds(1)) { .beat }
      context.timers.once("deadline", after: .milliseconds(3500), .deadline)
    }
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch message {
      case .beat: seen.append("beat")
      case .deadline:
        seen.append("deadline")
        context.timers.cancel("beat")
      }
    }
  }

  @Test func `a beat, until the deadline`() {
    let sim = Simulation(seed: 1)
    let seen = Trail<String>()
    sim.system.spawn { Heartbeat(seen: seen) }
    sim.advance(by: .seconds(10))
    #expect(seen.all == ["beat", "beat", "beat", "deadline"])
    sim.end()
  }

  struct Door: Behavior {
    enum Message: Sendable { case code(Int), timeIsUp }
    enum State { case locked, unlocked }
    var state = State.locked

    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch (state, message) {
      case (_, .code(4711)):
        state = .unlocked
        context.timers.once("state", after: .seconds(10), .timeIsUp)
      case (.unlocked, .timeIsUp):
        state = .locked
        context.log("locked")
      case (.locked, .timeIsUp), (_, .code): break
      }
    }
  }

  @Test func `a door that is opened again stays open for longer`() {
    let sim = Simulation(seed: 2)
    let door = sim.system.spawn("door") { Door() }
    door.send(.code(1))
    door.send(.code(4711))
    sim.advance(by: .seconds(9))
    door.send(.code(4711))
    sim.advance(by: .seconds(9))
    #expect(!sim.log.all.contains("sim/door: locked"))
    sim.advance(by: .seconds(2))
    #expect(sim.log.all.filter { $0 == "sim/door: locked" }.count == 1)
    sim.end()
  }

  struct Session: Behavior {
    mutating func started(in context: Context<String>) { context.setReceiveTimeout(.seconds(30)) }
    mutating func receive(_ line: consuming String, in context: Context<String>) {}
    mutating func signal(_ signal: Signal, in context: Context<String>) {
      if case .receiveTimeout = signal { context.stop() }
    }
  }

  @Test func `a session ends when nobody says anything`() {
    let sim = Simulation(seed: 3)
    let session = sim.system.spawn { Session() }
    for _ in 0..<3 {
      sim.advance(by: .seconds(20))
      session.send("a line")
    }
    sim.advance(by: .seconds(29))
    #expect(sim.system.counts.topLevelActors == 1)
    sim.advance(by: .seconds(2))
    #expect(sim.end(of: session) == "stopped")
    sim.end()
  }
}
