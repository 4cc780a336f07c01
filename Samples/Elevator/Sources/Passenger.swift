import Troupe

/// Somebody's wish to go from one floor to another.
struct Trip: Sendable {
  let passenger: Address<Passenger.Message>
  var from: Int
  let to: Int
}

/// Calls a car, gets in, gets out, and is gone. If the car breaks down, the passenger takes another one from there.
struct Passenger: Behavior {
  enum Message: Sendable {
    case call
    /// A car has taken the call, or none has.
    case answered(Result<Address<Car.Message>, AskError>)
    case passing(floor: Int)
    case arrived
    case carEnded
  }

  var from: Int
  let to: Int
  let calls: Address<Car.Message>

  mutating func started(in context: Context<Message>) { call(in: context) }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .call: call(in: context)
    case .answered(.success(let car)): context.watch(car) { _ in .carEnded }
    // All cars are out of order, or the one that was chosen broke down.
    case .answered(.failure): context.timers.once("call", after: tick, .call)
    case .passing(let floor): from = floor
    case .carEnded where from != to: call(in: context)
    case .carEnded: context.stop()
    case .arrived: context.stop()
    }
  }

  private func call(in context: Context<Message>) {
    let trip = Trip(passenger: context.address, from: from, to: to)
    context.ask(calls, { .call(trip, $0) }, as: { .answered($0) })
  }
}
