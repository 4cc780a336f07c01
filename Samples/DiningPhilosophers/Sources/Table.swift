import Troupe

/// Owns the forks and the philosophers, and counts the meals. However the dinner ends, the table says who has eaten
/// how often.
struct Table: Behavior {
  enum Message {
    case hasEaten(seat: Int, waited: Duration)
    case closingTime
  }

  private let options: Options
  private var meals: [Int]
  private var longestWaits: [Duration]
  private var total: Int { meals.reduce(0, +) }

  init(_ options: Options) {
    self.options = options
    meals = Array(repeating: 0, count: options.philosophers)
    longestWaits = Array(repeating: .zero, count: options.philosophers)
  }

  mutating func started(in context: Context<Message>) {
    let seats = 0..<options.philosophers
    let forks = seats.map { seat in context.spawn("fork-\(seat)") { Fork() } }
    for seat in seats {
      let right = (seat + 1) % options.philosophers
      // Everyone takes the fork with the lower number first, so nobody can wait in a circle (Dijkstra, 1965): the
      // last philosopher begins at the other side.
      let (first, second) = (forks[min(seat, right)], forks[max(seat, right)])
      let (table, seed) = (context.address, options.seed)
      context.spawn("philosopher-\(seat)") {
        Philosopher(at: seat, of: table, first: first, second: second, seed: seed)
      }
    }
    context.timers.once("closing time", after: .seconds(options.seconds), .closingTime)
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .closingTime: context.stop()
    case .hasEaten(let seat, let waited):
      meals[seat] += 1
      longestWaits[seat] = max(longestWaits[seat], waited)
      if total == options.meals { context.stop() }
    }
  }

  mutating func stopping(in context: Context<Message>) {
    for (seat, count) in meals.enumerated() {
      let wait = Int(longestWaits[seat] / .milliseconds(1))
      print("philosopher \(seat): \(count) meals, waited \(wait) ms at most")
    }
    print("\(total) meals")
    context.requestShutdown()
  }
}
