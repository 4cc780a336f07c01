import SampleOptions
import Troupe

/// Owns the elevators and the passengers, and replaces what breaks.
struct Building: Behavior {
  enum Message: Sendable {
    case nextPassenger, passengerGone
    case brokeDown(car: Int), repaired(car: Int)
  }

  let options: Options
  let calls: Address<Car.Message>
  var random: SeededGenerator
  var started = 0
  var gone = 0
  var repairs = 0

  mutating func started(in context: Context<Message>) {
    for number in 1...options.cars { startCar(number, in: context) }
    context.timers.fixedDelay("passengers", every: tick * 2) { .nextPassenger }
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .nextPassenger where started < options.passengers: startPassenger(in: context)
    case .nextPassenger: context.timers.cancel("passengers")
    case .passengerGone: gone += 1
    case .brokeDown(let car):
      print("car-\(car) broke down")
      context.timers.once(car, after: tick * 20, .repaired(car: car))
    case .repaired(let car):
      repairs += 1
      startCar(car, in: context)
    }
    if gone == options.passengers { context.stop() }
  }

  mutating func stopping(in context: Context<Message>) {
    print("\(gone) of \(options.passengers) passengers are where they wanted to be; \(repairs) repairs")
    context.requestShutdown()
  }

  private func startCar(_ number: Int, in context: Context<Message>) {
    // The name is free again by the time the notice of the old car's end comes.
    let car = context.spawn("car-\(number)") { [options, repairs] in
      Car(breakdowns: options.breakdowns, random: SeededGenerator(options.seed, number, repairs))
    }
    context.watch(car) { _ in .brokeDown(car: number) }
  }

  private mutating func startPassenger(in context: Context<Message>) {
    started += 1
    let from = Int.random(in: 0..<floors, using: &random)
    let to = (from + Int.random(in: 1..<floors, using: &random)) % floors
    let passenger = context.spawn { [calls] in Passenger(from: from, to: to, calls: calls) }
    context.watch(passenger) { _ in .passengerGone }
  }
}
