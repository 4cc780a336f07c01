import Troupe

/// Something that a behavior did, as a `BehaviorTester` sees it.
public enum Effect: Sendable, Equatable, CustomStringConvertible {
  /// It sent a message of this type, followed by its case if it is an enum, to the actor with this path.
  case sent(String, to: String)
  /// It spawned an actor with this path.
  case spawned(String)
  /// It watches the actor with this path.
  case watched(String)
  /// It set a timer with this key, given as text.
  case setTimer(String, after: Duration)
  /// It stashed the message that it was handling.
  case stashed
  /// It threw this error, given as text.
  case failed(String)
  /// It was restarted.
  case restarted
  /// It ended.
  case stopped

  /// A description of one line.
  public var description: String {
    switch self {
    case .sent(let message, let to): "sent \(message) to \(to)"
    case .spawned(let path): "spawned \(path)"
    case .watched(let path): "watched \(path)"
    case .setTimer(let key, let delay): "set timer \(key) for \(seconds(delay)) s"
    case .stashed: "stashed the message"
    case .failed(let error): "failed: \(error)"
    case .restarted: "restarted"
    case .stopped: "stopped"
    }
  }
}

extension Event {
  /// What the actor with that number did; nil if another actor did it, or if it is no effect.
  func effect(of actor: Int, _ paths: [String]) -> Effect? {
    guard source == .actor(actor) else { return nil }
    switch kind {
    case .sends(let to, _, let message): return .sent(message.text, to: paths[to])
    case .spawns(let child): return .spawned(paths[child])
    case .watches(let path): return .watched(path)
    case .setsTimer(let key, let delay): return .setTimer(key, after: delay)
    case .stashes: return .stashed
    case .fails(let failure): return .failed("\(failure.error)")
    case .restarts: return .restarted
    case .ends: return .stopped
    default: return nil
    }
  }
}
