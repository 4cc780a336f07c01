// expect: nothing
// What the other cases of actors get wrong, done right.
import Troupe

final class Box { var n = 0 }

struct Keeper: Behavior, ~Copyable {
  enum Message: ~Copyable { case put(Box), count(Reply<Int>) }
  var boxes: [Box] = []

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .put(let box): boxes.append(box)
    case .count(let reply): reply.send(boxes.count)
    }
  }
}

@MainActor func use(_ system: ActorSystem) async throws -> Int {
  let keeper = system.spawn("keeper", behavior: Keeper())
  keeper.send(.put(Box()))
  return try await keeper.ask { .count($0) }
}
