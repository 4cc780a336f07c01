import TestSupport
import Testing
import Troupe

@Suite(.spins) struct DeadLetterTests {
  static func dead(_ sim: Simulation) -> Address<String> {
    let actor = sim.system.spawn("dead", state: 0) { (_: inout Int, _: consuming String, _: Context<String>) in }
    sim.system.stop(actor)
    sim.run()
    return actor
  }

  @Test func `M5 a listener that throws affects neither the sender nor the queue`() {
    let sim = Simulation(seed: 1, listener: { _ in throw Oops(4) })
    let dead = Self.dead(sim)
    let small = sim.system.spawn("small", options: SpawnOptions(mailbox: .bounded(1)), state: 0) {
      (state: inout Int, _: consuming Int, _: Context<Int>) in
      // A dead letter from within a handler.
      dead.send("x")
      state += 1
    }
    small.send(1)
    small.send(2)
    sim.run()
    small.send(3)
    sim.run()
    let counts = sim.system.counts
    #expect(counts.handled == 2 && counts.failed == 0)
    #expect(counts.deadLetters == [.mailboxFull: 1, .ended: 2])
    #expect(sim.letters.all.map(\.reason) == [.mailboxFull, .ended, .ended])
    #expect(sim.log.all.contains { $0.contains("Oops") })
    sim.end()
  }

  @Test func `M5 a listener may send, also to the dead`() {
    let target = Trail<Address<String>>()
    let living = Trail<Address<Int>>()
    let sim = Simulation(
      seed: 2,
      listener: { letter in
        living.all[0].send(1)
        // What it sends to the dead is counted and goes no further, or this would never end.
        if letter.reason == .ended { target.all[0].send("echo") }
      })
    let got = Counter()
    living.append(sim.system.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in got.add() })
    let dead = Self.dead(sim)
    target.append(dead)
    dead.send("a")
    dead.send("b")
    sim.run()
    #expect(sim.system.counts.deadLetters == [.ended: 4])
    #expect(got.value == 2)
    sim.end()
    // The listener belongs to the system, and these addresses do too.
    living.clear()
    target.clear()
  }

  @Test func `a dead letter names recipient, type and reason, and never the message`() {
    let sim = Simulation(seed: 3)
    let dead = Self.dead(sim)
    dead.send("secret")
    let letter = sim.letters.all[0]
    #expect(letter.recipient == "sim/dead" && letter.messageType == "String" && letter.reason == .ended)
    #expect(letter.description.contains("sim/dead") && letter.description.contains("String"))
    #expect(sim.log.all.contains { $0.contains("sim/dead") && $0.contains("String") })
    #expect(!sim.log.all.contains { $0.contains("secret") })
    sim.end()
  }

  @Test func `the log of dead letters has at most ten lines a second, and says what it left out`() {
    let sim = Simulation(seed: 4)
    let dead = Self.dead(sim)
    let before = sim.log.count
    for _ in 0..<1000 { dead.send("x") }
    #expect(sim.log.count - before == 10)
    sim.advance(by: .milliseconds(999))
    dead.send("x")
    #expect(sim.log.count - before == 10)
    sim.advance(by: .milliseconds(2))
    dead.send("x")
    #expect(sim.log.count - before == 12)
    #expect(sim.log.all.contains { $0.contains("991 more") })
    // The listener and the count miss none.
    #expect(sim.letters.count == 1002)
    #expect(sim.system.counts.deadLetters == [.ended: 1002])
    sim.end()
  }

  @Test func `dead letters from many threads are all counted`() async {
    let pool = Pooled()
    let dead = pool.system.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in }
    pool.system.stop(dead)
    _ = await dead.termination
    let threads = (0..<4).map { _ in TestThread { for i in 0..<1000 { dead.send(i) } } }
    for thread in threads { await thread.value }
    #expect(pool.system.counts.deadLetters == [.ended: 4000])
    #expect(pool.letters.count == 4000)
    await pool.end()
  }
}
