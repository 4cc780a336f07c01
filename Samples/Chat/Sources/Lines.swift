import Troupe
import TroupeNet

/// The chat for people with a terminal: commands and updates as lines of text.
enum Lines {
  static let greeting = "* What is your name?"

  static let help = """
    what you type is said in the room that you joined last; and:
    /join ROOM      go to a room as well, or go on talking there
    /leave          leave it
    /who            who is here
    /rooms          which rooms there are
    /name NAME      have another name
    /quit
    """

  static func listen(
    in system: ActorSystem, on endpoint: Endpoint, lobby: Address<Lobby.Message>, limit: Int
  ) throws(NetworkError) -> Server {
    var options = ServerOptions()
    options.connection.outputLimit = limit
    options.connection.keepAlive = .seconds(60)
    // What was said before the end of the input is still said.
    options.connection.allowsHalfClose = true
    return try system.listen("lines", on: endpoint, codec: LineCodec(limit: 4096), options: options, as: message) {
      connection in
      connection.write(greeting)
      let outlet = Outlet(
        show: { update in if let text = Lines.text(of: update) { connection.write(text) } },
        close: { connection.close() })
      return Session(lobby: lobby, outlet: outlet)
    }
  }

  @Sendable private static func message(of event: consuming ConnectionEvent<String>) -> Session.Message {
    switch event {
    case .received(let line): .command(command(line))
    case .inputEnded: .command(.quit)
    case .inputFailed(let error): .command(.notice("\(error)"))
    // The actor of a server's connection is stopped by its end, and the rooms hear of that.
    case .closed, .connected, .drained: .ignored
    }
  }

  static func command(_ line: String) -> Command {
    guard line.hasPrefix("/") else { return .say(room: nil, text: line) }
    let words = line.dropFirst().split(separator: " ", maxSplits: 1)
    let argument = words.count > 1 ? String(words[1]).cleaned : nil
    switch (words.first, argument) {
    case ("join", let room?): return .join(Command.Wish(room: room))
    case ("leave", let room): return .leave(room: room)
    case ("who", let room): return .people(room: room)
    case ("rooms", nil): return .rooms
    case ("name", let name?): return .enter(name: name, token: nil, rooms: [])
    case ("quit", nil): return .quit
    default: return .notice(help)
    }
  }

  /// The lines for an update; nil for what is not shown.
  static func text(of update: Update) -> String? {
    switch update {
    case .welcome(let name, _): "* You are \(name). Type /help to see what you can do."
    case .refused(let reason), .noRoom(_, let reason), .notice(let reason):
      reason.split(separator: "\n").map { "* " + $0 }.joined(separator: "\n")
    case .entered(let room, let people, let posts, _):
      (["* In \(room): \(people.joined(separator: ", "))"] + posts.map { line(room, $0) }).joined(separator: "\n")
    case .left(let room): "* You have left \(room)."
    case .post(let room, let post): line(room, post)
    case .came(let room, let name): "* \(name) has come to \(room)."
    case .went(let room, let name): "* \(name) has left \(room)."
    case .renamed(_, let from, let to): "* \(from) is now \(to)."
    case .people(let room, let people): "* In \(room): \(people.joined(separator: ", "))"
    case .rooms(let rooms): "* Rooms: \(rooms.joined(separator: ", "))"
    case .newRoom: nil
    case .replaced: "* You have come in by another connection, and this one ends."
    }
  }

  private static func line(_ room: String, _ post: Post) -> String { "[\(room)] \(post.author): \(post.text)" }
}
