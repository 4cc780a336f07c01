import Testing
import Troupe
import TroupeTestKit

/// Selections and timers of channels in a simulation, where time is virtual.
@Suite struct SelectTests {
  private enum Event: Equatable, Sendable {
    case tick(Duration), message(Int, Duration), timeout(Duration), end(Duration)
  }

  private static func send(
    _ element: Int, to sender: consuming Sender<Int>, after delay: Duration, _ simulation: Simulation
  ) async {
    try? await simulation.sleep(for: delay)
    _ = sender.send(element)
  }

  private static func events(_ simulation: Simulation) async -> [Event] {
    let clock = simulation.clock
    let start = clock.now
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    async let sending: Void = send(7, to: sender, after: .seconds(3_612), simulation)
    var receiver = channel.receiver
    var ticks = Channel.ticks(every: .seconds(3_600), clock: clock)
    var end = Channel.after(.seconds(9_000), clock: clock)
    var events: [Event] = []
    while true {
      let event: Event? = await Channel.select { select in
        select.receive(&receiver) { .message($0 ?? -1, start.duration(to: clock.now)) }
        select.receive(&ticks) { .tick(start.duration(to: $0)) }
        select.receive(&end) { .end(start.duration(to: $0)) }
        select.otherwise(after: .seconds(2_000), clock: clock) { .timeout(start.duration(to: clock.now)) }
      }
      guard let event else { break }
      events.append(event)
      if case .end = event { break }
    }
    await sending
    return events
  }

  @Test(arguments: 0..<UInt64(8))
  func `ticks, a timer, a timeout and a message come in the order of virtual time`(seed: UInt64) throws {
    let simulation = Simulation(seed: seed)
    let events = try simulation.run { await Self.events(simulation) }
    try simulation.finish()
    #expect(
      events == [
        .timeout(.seconds(2_000)), .tick(.seconds(3_600)), .message(7, .seconds(3_612)), .timeout(.seconds(5_612)),
        .tick(.seconds(7_200)), .end(.seconds(9_000)),
      ])
  }

  private static func choices(seed: UInt64) throws -> [Int] {
    let simulation = Simulation(seed: seed)
    let choices = try simulation.run { () -> [Int] in
      var receivers = [Handover<Receiver<Int>>]()
      for place in 0..<3 {
        let channel = Channel.unbounded(of: Int.self)
        for _ in 0..<20 { _ = channel.sender.send(place) }
        receivers.append(Handover(channel.receiver))
      }
      var a = receivers[0].take()
      var b = receivers[1].take()
      var c = receivers[2].take()
      var choices: [Int] = []
      for _ in 0..<20 {
        let place: Int? = await Channel.select { select in
          select.receive(&a) { $0 ?? 0 }
          select.receive(&b) { $0 ?? 1 }
          select.receive(&c) { $0 ?? 2 }
        }
        choices.append(place ?? -1)
      }
      return choices
    }
    try simulation.finish()
    return choices
  }

  @Test func `what a selection chooses follows from the seed`() throws {
    var seen: Set<[Int]> = []
    for seed in 0..<UInt64(16) {
      let choices = try Self.choices(seed: seed)
      #expect(try Self.choices(seed: seed) == choices)
      #expect(Set(choices).count > 1)
      seen.insert(choices)
    }
    #expect(seen.count > 8)
  }

  @Test func `a selection that is cancelled in virtual time has taken nothing`() throws {
    let simulation = Simulation(seed: 3)
    let left = try simulation.run { () -> Int? in
      let clock = simulation.clock
      let channel = Channel.unbounded(of: Int.self)
      let sender = channel.sender
      let ends = Handover(channel.receiver)
      let back = try await withThrowingTaskGroup(of: Handover<Receiver<Int>>?.self) { group in
        group.addTask {
          var receiver = ends.take()
          var late = Channel.after(.seconds(1_000_000), clock: clock)
          let element: Int?? = await Channel.select { select in
            select.receive(&receiver) { $0 }
            select.receive(&late) { _ in -1 }
          }
          return element == nil ? Handover(receiver) : nil
        }
        try await simulation.sleep(for: .seconds(10))
        group.cancelAll()
        return try await group.next() ?? nil
      }
      guard let back, clock.now.offset == .seconds(10) else { return nil }
      var receiver = back.take()
      _ = sender.send(5)
      return await receiver.receive()
    }
    try simulation.finish()
    #expect(left == 5)
  }
}
