import Testing
import Troupe
import TroupeTestKit

/// A run follows from its seed, and from nothing else.
@Suite struct HistoryTests {
  struct Desk: Behavior, ~Copyable {
    enum Message: ~Copyable {
      case wait(Int, Reply<Int>)
      case remind(Int)
      case call
    }
    private var waiting = PendingReplies<Int, Int>()
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .wait(let number, let reply):
        waiting.insert(reply, for: number)
        context.timers.once("reminder \(number)", after: .milliseconds(number % 3), .remind(number))
      case .remind(let number):
        if number == 5 { context.address.send(.call) }
      case .call:
        waiting.sendAll { $0 * 2 }
        context.stop()
      }
    }
  }

  static func history(seed: UInt64) throws -> String {
    let simulation = Simulation(seed: seed)
    let desk = simulation.system.spawn("desk") { Desk() }
    for number in 0..<6 {
      simulation.start("guest \(number)") {
        let answer = try await desk.ask { .wait(number, $0) }
        simulation.note("got \(answer)")
      }
    }
    simulation.advance(by: .milliseconds(10))
    try simulation.finish()
    return simulation.history.description
  }

  /// The figure was noted in another process, where hashes, addresses and times were others. It changes with
  /// the wording of histories, and with what the runtime does in which order; never from run to run.
  @Test func `the history of a seed is the same everywhere`() throws {
    let digests = try (0..<20).map { seed in
      try HistoryTests.history(seed: seed).utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
        ($0 ^ UInt64($1)) &* 0x100_0000_01B3
      }
    }
    #expect(Set(digests).count > 15)
    #expect(digests.reduce(0, ^) == 12_971_737_520_018_318_386)
  }

  @Test func `a history reads well`() throws {
    let simulation = Simulation(seed: 0, options: .init(strategy: .firstComeFirstServed))
    let desk = simulation.system.spawn("desk") { Desk() }
    let guest = simulation.start("guest") { try await desk.ask { .wait(5, $0) } }
    #expect(try guest.value() == 10)
    try simulation.finish()
    #expect(
      simulation.history.description == """
        0.000000  test spawns sim/desk
        0.000000  sim/desk starts
        0.000000  guest -> sim/desk: #1 HistoryTests.Desk.Message.wait
        0.000000  sim/desk handles #1 HistoryTests.Desk.Message.wait from guest
        0.000000  sim/desk sets timer reminder 5 for 0.002000 s
        0.002000  sim/desk handles #2 HistoryTests.Desk.Message.remind from timer
        0.002000  sim/desk -> sim/desk: #3 HistoryTests.Desk.Message.call
        0.002000  sim/desk handles #3 HistoryTests.Desk.Message.call from sim/desk
        0.002000  sim/desk runs its stop hook
        0.002000  sim/desk stopped
        """)
  }
}
