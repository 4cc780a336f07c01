// expect: nothing
// The same on the main actor.
import Troupe

@MainActor final class Window { var title = "" }

struct Right: MainActorBehavior {
  let window: Window
  func receive(_ message: consuming String, in context: Context<String>) { window.title = message }
}

func start(_ system: ActorSystem, _ window: Window) -> Address<String> {
  system.spawn("title") { Right(window: window) }
}

@MainActor func startHere(_ system: ActorSystem) -> Address<String> {
  let window = Window()
  return system.spawn { Right(window: window) }
}
