import TestSupport
import Testing
import Troupe

/// What an actor of these tests writes down.
enum Mark: Equatable, Sendable {
  case made(String)
  case started(String)
  case handled(String, Int)
  case stopping(String)
  case destroyed(String)
}

/// Writes down everything that happens to it, and has children of its own kind below it.
struct Chronicle: Behavior, ~Copyable {
  enum Message: Sendable { case number(Int), stop, fail, stopDuring(ActorSystem) }
  let name: String
  let marks: Trail<Mark>
  let children: Int
  let failsToStart: Bool

  init(_ name: String, _ marks: Trail<Mark>, children: Int = 0, failsToStart: Bool = false) {
    (self.name, self.marks, self.children, self.failsToStart) = (name, marks, children, failsToStart)
    marks.append(.made(name))
  }
  deinit { marks.append(.destroyed(name)) }

  mutating func started(in context: Context<Message>) throws {
    marks.append(.started(name))
    for i in 0..<children {
      let (name, marks, below) = ("\(name).\(i)", marks, children - 1)
      context.spawn { Chronicle(name, marks, children: below) }
    }
    if failsToStart { throw Oops(1) }
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    switch message {
    case .number(let n): marks.append(.handled(name, n))
    case .stop: context.stop()
    case .fail: throw Oops(2)
    case .stopDuring(let system):
      system.stop(context.address)
      context.stop()
      system.stop(context.address)
      marks.append(.handled(name, -1))
    }
  }

  mutating func stopping(in context: Context<Message>) {
    marks.append(.stopping(name))
    context.stop()
  }
}

@Suite(.spins) struct LifeTests {
  static let seeds = 0..<UInt64(64)

  /// The first is the last but one thing that happens to it, and everything below it came before.
  private func expectChildrenFirst(_ marks: [Mark], _ names: [String]) {
    for name in names {
      let stopping = marks.indices.filter { marks[$0] == .stopping(name) }
      #expect(stopping.count == 1, "\(name) said good-bye once")
      #expect(marks.filter { $0 == .destroyed(name) }.count == 1)
      guard let end = stopping.first else { continue }
      for below in names where below.hasPrefix(name + ".") {
        let theirs = marks.firstIndex(of: .destroyed(below))
        #expect(theirs.map { $0 < end } ?? false, "\(below) ended before \(name)")
      }
    }
  }

  private static func tree(_ name: String, _ children: Int) -> [String] {
    [name] + (0..<children).flatMap { tree("\(name).\($0)", children - 1) }
  }

  @Test(arguments: seeds) func `children stop before parents, simulated`(seed: UInt64) {
    let sim = Simulation(seed: seed)
    let marks = Trail<Mark>()
    let root = sim.system.spawn("root") { Chronicle("a", marks, children: 3) }
    // The stop comes at any moment of the start.
    for _ in 0..<Int(seed % 20) { _ = sim.scheduler.step() }
    sim.system.stop(root)
    let end = sim.start { await root.termination.kind }
    sim.run()
    #expect(end.value == "stopped")
    let started = marks.all.compactMap { if case .started(let name) = $0 { name } else { nil } }
    expectChildrenFirst(marks.all, started)
    #expect(sim.system.counts.topLevelActors == 0)
    sim.end()
  }

  @Test func `children stop before parents, on threads`() async {
    for _ in 0..<Scale.count(50) {
      let pool = Pooled()
      let marks = Trail<Mark>()
      let names = Self.tree("a", 3)
      let root = pool.system.spawn { Chronicle("a", marks, children: 3) }
      await until { marks.all.filter { if case .started = $0 { true } else { false } }.count == names.count }
      pool.system.stop(root)
      #expect(await root.termination.kind == "stopped")
      expectChildrenFirst(marks.all, names)
      await pool.end()
    }
  }

  @Test func `a handler that throws ends the actor with the error, and the log says so`() {
    let sim = Simulation(seed: 1)
    let marks = Trail<Mark>()
    let actor = sim.system.spawn("bad") { Chronicle("a", marks, children: 1) }
    sim.run()
    for message in [Chronicle.Message.number(1), .fail, .number(2)] { actor.send(message) }
    let end = sim.start { await actor.termination }
    sim.run()
    let failure = end.value?.failure
    let cause = failure?.error as? Oops
    #expect(cause == Oops(2))
    #expect(failure?.path == "sim/bad")
    #expect(failure?.messageType?.contains("Message") == true)
    #expect(failure?.incarnation == 1)
    #expect(sim.log.all.contains { $0.contains("sim/bad") && $0.contains("Oops") && $0.contains("failed") })
    #expect(marks.all.contains(.handled("a", 1)))
    #expect(!marks.all.contains(.handled("a", 2)))
    expectChildrenFirst(marks.all, ["a", "a.0"])
    let counts = sim.system.counts
    #expect(counts.handled == 1 && counts.failed == 1 && counts.deadLetters == [.queuedAtEnd: 1])
    sim.end()
  }

  @Test func `M17 a factory that throws ends the actor as a failure, and nothing of it stays`() {
    let sim = Simulation(seed: 2)
    let actor = sim.system.spawn("bad") { () throws -> Chronicle in throw Oops(3) }
    actor.send(.number(1))
    let end = sim.start { await actor.termination }
    sim.run()
    let cause = end.value?.failure?.error as? Oops
    #expect(cause == Oops(3))
    #expect(end.value?.failure?.messageType == nil)
    #expect(sim.system.counts.topLevelActors == 0)
    #expect(sim.system.counts.deadLetters == [.queuedAtEnd: 1])
    actor.send(.number(2))
    #expect(sim.system.counts.deadLetters == [.queuedAtEnd: 1, .ended: 1])
    #expect(sim.log.all.contains { $0.contains("sim/bad") && $0.contains("Oops") })
    sim.end()
  }

  @Test func `a start that throws ends the actor as a failure, its children first`() {
    let sim = Simulation(seed: 3)
    let marks = Trail<Mark>()
    let actor = sim.system.spawn("bad") { Chronicle("a", marks, children: 2, failsToStart: true) }
    let end = sim.start { await actor.termination }
    sim.run()
    let cause = end.value?.failure?.error as? Oops
    #expect(cause == Oops(1))
    // A child whose parent ended before it could start was never made.
    let made = marks.all.compactMap { if case .made(let name) = $0 { name } else { nil } }
    let destroyed = marks.all.compactMap { if case .destroyed(let name) = $0 { name } else { nil } }
    #expect(made.sorted() == destroyed.sorted())
    #expect(destroyed.last == "a")
    sim.end()
  }

  @Test func `only its parent can stop an actor through a context`() {
    let sim = Simulation(seed: 4)
    let marks = Trail<Mark>()
    let stranger = sim.system.spawn("stranger") { Chronicle("stranger", marks) }
    let parent = sim.system.spawn("parent", state: Address<Chronicle.Message>?.none) {
      (child: inout Address<Chronicle.Message>?, message: consuming Int, context: Context<Int>) in
      if child == nil { child = context.spawn("child") { Chronicle("child", marks) } }
      if message == 1 { context.stop(stranger) }
      if message == 2, let child { context.stop(child) }
    }
    parent.send(1)
    sim.run()
    #expect(
      marks.all == [.made("stranger"), .started("stranger"), .made("child"), .started("child")]
        || marks.all == [.made("child"), .started("child"), .made("stranger"), .started("stranger")])
    parent.send(2)
    sim.run()
    #expect(marks.all.contains(.stopping("child")))
    #expect(!marks.all.contains(.stopping("stranger")))
    #expect(sim.system.counts.topLevelActors == 2)
    sim.end()
  }

  @Test func `a child spawned while its parent says good-bye does not outlive it`() {
    struct Late: Behavior {
      let born: Trail<Address<Chronicle.Message>>
      let marks: Trail<Mark>
      func receive(_ message: consuming Int, in context: Context<Int>) {}
      func stopping(in context: Context<Int>) {
        let marks = marks
        born.append(context.spawn("late") { Chronicle("late", marks) })
      }
    }
    let sim = Simulation(seed: 5)
    let (born, marks) = (Trail<Address<Chronicle.Message>>(), Trail<Mark>())
    let parent = sim.system.spawn("parent") { Late(born: born, marks: marks) }
    sim.run()
    sim.system.stop(parent)
    sim.run()
    let child = born.all[0]
    let end = sim.start { await child.termination.kind }
    sim.run()
    #expect(end.value == "parentStopped")
    #expect(marks.all.isEmpty)
    sim.end()
  }
}
