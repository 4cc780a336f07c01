import SampleOptions
import Troupe

/// Moves one floor at each tick, as long as somebody waits for it or is in it.
struct Car: Behavior {
  enum Message: ~Copyable {
    /// Answered when the car has taken the call.
    case call(Trip, Reply<Address<Message>>)
    case tick
  }

  struct Breakdown: Error {}

  static let key = ServiceKey<Message>("cars")

  let breakdowns: Int
  var random: SeededGenerator
  var floor = 0
  var direction = 1
  var waiting: [Trip] = []
  var inside: [Trip] = []

  mutating func started(in context: Context<Message>) {
    context.system.receptionist.register(context.address, as: Self.key)
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    switch consume message {
    case .call(let trip, let reply):
      waiting.append(trip)
      reply.send(context.address)
      if !context.timers.isActive("tick") { context.timers.fixedRate("tick", every: tick) { .tick } }
    case .tick:
      exchange()
      if inside.isEmpty && waiting.isEmpty { context.timers.cancel("tick") } else { try move() }
    }
  }

  private mutating func exchange() {
    for trip in inside where trip.to == floor { trip.passenger.send(.arrived) }
    inside = inside.filter { $0.to != floor } + waiting.filter { $0.from == floor }
    waiting.removeAll { $0.from == floor }
  }

  /// Moves on in the same direction while there is somebody to take in or let out there, and turns round otherwise.
  private mutating func move() throws {
    if breakdowns > 0, Int.random(in: 0..<breakdowns, using: &random) == 0 { throw Breakdown() }
    let goals = inside.map(\.to) + waiting.map(\.from)
    if !goals.contains(where: { ($0 - floor) * direction > 0 }) { direction = -direction }
    floor += direction
    for trip in inside { trip.passenger.send(.passing(floor: floor)) }
  }
}
