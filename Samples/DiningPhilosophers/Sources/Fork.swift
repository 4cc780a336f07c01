import Troupe

/// Lies on the table, or is in the hand of one philosopher. Those who want it get it in the order in which they
/// asked.
struct Fork: Behavior {
  enum Message {
    case pickUp(Address<Philosopher.Message>)
    case putDown
  }

  private var isTaken = false
  private var waiting: [Address<Philosopher.Message>] = []

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .pickUp(let philosopher) where isTaken: waiting.append(philosopher)
    case .pickUp(let philosopher):
      isTaken = true
      philosopher.send(.forkPickedUp)
    case .putDown where waiting.isEmpty: isTaken = false
    case .putDown: waiting.removeFirst().send(.forkPickedUp)
    }
  }
}
