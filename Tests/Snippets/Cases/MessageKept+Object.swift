// expect: risks causing data races
// Guarantee 2: a handler cannot send on what it keeps itself.
import Troupe

final class Box { var n = 0 }

struct Keeper: Behavior {
  var box = Box()
  let other: Address<Box>
  mutating func receive(_ message: consuming Int, in context: Context<Int>) { other.send(box) }
}
