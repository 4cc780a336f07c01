// expect: 'message' used after consume
// Guarantee 2: a message is not touched after it was sent.
import Troupe

struct Message: ~Copyable, Sendable { var n = 0 }

func post(to address: Address<Message>) -> Int {
  let message = Message()
  address.send(message)
  return message.n
}
