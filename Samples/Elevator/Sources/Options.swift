import SampleOptions

/// The time that a car needs for one floor. Nobody would wait for real elevators.
let tick = Duration.milliseconds(1)
let floors = 12

/// What the command line asks for.
struct Options: Sendable {
  var cars = 3
  var passengers = 60
  var breakdowns = 50
  var seed = 1

  static func fromCommandLine() -> Options {
    Command<Options>(
      "Elevator", "Elevators take passengers from floor to floor, and break down now and then.",
      [
        .number("cars", \.cars, 1...100, "so many elevators"),
        .number("passengers", \.passengers, 0...100_000, "so many passengers, one after the other"),
        .number("breakdowns", \.breakdowns, 0...Int.max, "an elevator breaks down after N floors or so; 0: never"),
        .number("seed", \.seed, 0...Int.max, "who wants to go where, and what breaks when"),
      ]
    ).parse(defaults: Options())
  }
}
