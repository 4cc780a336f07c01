// expect: main actor-isolated property 'title' can not be mutated from a nonisolated context
// A behavior runs on any thread; what lives on the main actor takes a `MainActorBehavior`.
import Troupe

@MainActor final class Window { var title = "" }

struct Wrong: Behavior {
  let window: Window
  func receive(_ message: consuming String, in context: Context<String>) { window.title = message }
}
