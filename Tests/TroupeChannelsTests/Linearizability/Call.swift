/// What a thread asked of a channel.
enum Action: Hashable, Sendable {
  case send(Int)
  /// With no time to wait.
  case sendNow(Int)
  case trySend(Int)
  case senderIsClosed
  case dropSender
  case receive
  case receiveNow
  case tryReceive
  case close
  case dropReceiver
}

/// What it was told.
enum Response: Hashable, Sendable {
  case sent, full, closed, timedOut
  case received(Int)
  case empty
  case yes, no
  case done
}

/// One call of a history, with the moments between which it took effect.
struct Call: Hashable, Sendable, CustomStringConvertible {
  let thread: Int
  let action: Action
  let response: Response
  let began: Int
  let ended: Int

  var description: String { "[\(began)-\(ended)] thread \(thread): \(action) -> \(response)" }

  /// A send that may wait for room, so that others are told "full" while it is under way.
  var maySendLater: Bool {
    switch action {
    case .send, .sendNow: true
    default: false
    }
  }
}
