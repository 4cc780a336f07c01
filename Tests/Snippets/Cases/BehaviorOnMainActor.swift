// expect: crosses into main actor-isolated code
// Handlers run on workers, so that a behavior cannot belong to the main actor.
import Troupe

@MainActor struct Wrong: Behavior {
  var count = 0
  mutating func receive(_ message: consuming Int, in context: Context<Int>) { count += 1 }
}
