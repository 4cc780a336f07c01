// expect: does not conform to protocol 'Behavior'
// A handler that awaits belongs to an `AsyncBehavior`.
import Troupe

struct Wrong: Behavior {
  mutating func receive(_ message: consuming Int, in context: Context<Int>) async {}
}
