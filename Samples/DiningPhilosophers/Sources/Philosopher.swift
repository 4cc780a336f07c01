import SampleOptions
import Troupe

/// Thinks until hungry, picks up one fork and then the other, eats, and thinks again.
struct Philosopher: Behavior {
  enum Message {
    case forkPickedUp
    /// The time of the current state is over.
    case timeIsUp
  }

  /// The state decides what a message means. Each state holds what it needs, which no other state can touch.
  enum State {
    case thinking
    case hungry(since: Duration)
    case holdingOneFork(hungrySince: Duration)
    case eating(waited: Duration)
  }

  /// A message came that makes no sense in the current state.
  struct Confusion: Error {
    let message: Message
    let state: State
  }

  private let seat: Int
  private let table: Address<Table.Message>
  private let first: Address<Fork.Message>
  private let second: Address<Fork.Message>
  private var random: SeededGenerator
  private var state = State.thinking

  init(
    at seat: Int, of table: Address<Table.Message>, first: Address<Fork.Message>, second: Address<Fork.Message>,
    seed: Int
  ) {
    self.seat = seat
    self.table = table
    self.first = first
    self.second = second
    random = SeededGenerator(seed, seat)
  }

  mutating func started(in context: Context<Message>) { enter(.thinking, for: 0...10, in: context) }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    // There is no default case, so the compiler asks what each message means in each state.
    switch (state, message) {
    case (.thinking, .timeIsUp):
      state = .hungry(since: context.now)
      first.send(.pickUp(context.address))
    case (.hungry(let start), .forkPickedUp):
      state = .holdingOneFork(hungrySince: start)
      second.send(.pickUp(context.address))
    case (.holdingOneFork(let start), .forkPickedUp):
      enter(.eating(waited: context.now - start), for: 1...10, in: context)
    case (.eating(let waited), .timeIsUp):
      first.send(.putDown)
      second.send(.putDown)
      table.send(.hasEaten(seat: seat, waited: waited))
      enter(.thinking, for: 0...10, in: context)
    case (.thinking, .forkPickedUp), (.hungry, .timeIsUp), (.holdingOneFork, .timeIsUp), (.eating, .forkPickedUp):
      throw Confusion(message: message, state: state)
    }
  }

  /// Enters a state that lasts for some milliseconds.
  private mutating func enter(_ next: State, for milliseconds: ClosedRange<Int>, in context: Context<Message>) {
    state = next
    let time = Duration.milliseconds(Int.random(in: milliseconds, using: &random))
    // All states use one key, so no timer outlives the state that it belongs to.
    context.timers.once("state", after: time, .timeIsUp)
  }
}
