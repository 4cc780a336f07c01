// expect: risks causing data races
// A context belongs to its actor.
import Troupe

struct Leaky: Behavior {
  mutating func receive(_ message: consuming Int, in context: Context<Int>) {
    Task.detached { context.stop() }
  }
}
