import Troupe

/// One thing that happened, kept small: most events become text only if somebody asks. An event keeps no actor,
/// because an actor would keep the system, which keeps the events.
struct Event: Sendable {
  enum Kind: Sendable {
    case sends(to: Int, number: Int32, MessageName)
    case refused(to: Int, number: Int32)
    case handles(number: Int32, MessageName, from: Source)
    case stashes(number: Int32)
    case hears(String)
    case spawns(Int)
    case starts, stops, restarts
    case ends(String)
    case fails(ActorFailure)
    case deadLetter(DeadLetter)
    case askFails(AskError)
    case watches(String)
    case setsTimer(String, Duration)
    case note(String)
  }
  let time: Int64
  let source: Source
  let kind: Kind
}

/// Who did something.
enum Source: Hashable, Sendable {
  /// An actor, by its number.
  case actor(Int)
  /// A task of the simulation, or the test itself.
  case task(String)
  case timer
  /// A thread that is not part of the simulation.
  case elsewhere
}

extension Event {
  func text(_ path: (Int) -> String) -> String {
    func name(_ source: Source) -> String {
      switch source {
      case .actor(let number): path(number)
      case .task(let name): name
      case .timer: "timer"
      case .elsewhere: "another thread"
      }
    }
    let who = name(source)
    switch kind {
    case .sends(let to, let number, let message): return "\(who) -> \(path(to)): #\(number) \(message.text)"
    case .refused(let to, let number): return "\(path(to)) refuses #\(number)"
    case .handles(let number, let message, let from):
      return "\(who) handles #\(number) \(message.text) from \(name(from))"
    case .stashes(let number): return "\(who) stashes #\(number)"
    case .hears(let signal): return "\(who) hears: \(signal)"
    case .spawns(let child): return "\(who) spawns \(path(child))"
    case .starts: return "\(who) starts"
    case .stops: return "\(who) runs its stop hook"
    case .restarts: return "\(who) restarts"
    case .ends(let termination): return termination
    case .fails(let failure): return "\(who) fails: \(failure.error)"
    case .deadLetter(let letter): return plain(letter.description)
    case .askFails(let error): return plain(error.description)
    case .watches(let other): return "\(who) watches \(other)"
    case .setsTimer(let key, let delay): return "\(who) sets timer \(key) for \(seconds(delay)) s"
    case .note(let text): return "\(who): \(text)"
    }
  }

  static func text(_ signal: Signal) -> String {
    switch signal {
    case .terminated(let termination): termination.description
    case .childFailed(let failure): "child \(failure.path) failed: \(failure.error)"
    case .receiveTimeout: "no message for a while"
    }
  }
}
