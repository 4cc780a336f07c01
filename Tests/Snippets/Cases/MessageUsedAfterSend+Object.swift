// expect: sending 'box' risks causing data races
// Guarantee 2: a message is not touched after it was sent.
import Troupe

final class Box { var n = 0 }

func post(to address: Address<Box>) {
  let box = Box()
  address.send(box)
  box.n += 1
}
