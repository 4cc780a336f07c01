import SampleOptions

/// What the command line asks for.
struct Options: Sendable {
  var philosophers = 5
  var seconds = 5
  /// The evening also ends after so many meals of all philosophers together; with 0 it does not.
  var meals = 0
  var seed = 1

  static func fromCommandLine() -> Options {
    let command = Command<Options>(
      "DiningPhilosophers", "Philosophers think, and eat with the two forks beside their plates.",
      [
        .number("philosophers", \.philosophers, 2...100_000, "so many, and as many forks"),
        .number("seconds", \.seconds, 1...86_400, "for so long"),
        .number(
          "meals", \.meals, 0...Int.max, "until so many meals have been eaten, if that comes first; 0: any number"),
        .number("seed", \.seed, 0...Int.max, "for how long each of them thinks and eats"),
      ])
    return command.parse(defaults: Options())
  }
}
