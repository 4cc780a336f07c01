// expect: risks causing data races
// C59: the sequence has the one receiver inside.
import TroupeChannels

func share(_ receiver: consuming Receiver<Int>) {
  let elements = receiver.elements()
  Task { for await _ in elements {} }
  Task { for await _ in elements {} }
}
