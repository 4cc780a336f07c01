import Foundation

/// What the page sends, one JSON object in each text of the WebSocket.
///
/// ```
/// {"do": "enter", "name": "ann", "token": "…", "rooms": [{"room": "lobby", "after": 1700000000000}]}
/// {"do": "join", "room": "swift", "after": 1700000000000}      {"do": "leave", "room": "swift"}
/// {"do": "say", "room": "lobby", "text": "hello"}
/// ```
struct PageCommand: Decodable {
  struct Wish: Decodable {
    let room: String
    let after: Int?
  }

  let `do`: String
  let name: String?
  let token: String?
  let rooms: [Wish]?
  let room: String?
  let after: Int?
  let text: String?

  static func command(_ json: String) -> Command {
    guard let parsed = try? JSONDecoder().decode(PageCommand.self, from: Data(json.utf8)),
      let command = parsed.command
    else { return .notice("The server does not understand what this page has sent.") }
    return command
  }

  private var command: Command? {
    switch (`do`, room) {
    case ("enter", _):
      guard let name else { return nil }
      let wishes = (rooms ?? []).map { Command.Wish(room: $0.room, after: $0.after) }
      return .enter(name: name, token: token, rooms: wishes)
    case ("join", let room?): return .join(Command.Wish(room: room, after: after))
    case ("leave", let room?): return .leave(room: room)
    case ("say", let room?): return text.map { .say(room: room, text: $0) }
    default: return nil
    }
  }
}

/// What is sent to the page: one JSON object, whose `is` says which update it is.
struct PageUpdate: Encodable {
  var `is` = ""
  var room: String?
  var name: String?
  var from: String?
  var text: String?
  var people: [String]?
  var rooms: [String]?
  var posts: [Post]?
  var gap: Bool?

  init(_ update: Update) {
    switch update {
    case .welcome(let name, let rooms): (`is`, self.name, self.rooms) = ("welcome", name, rooms)
    case .refused(let reason): (`is`, text) = ("refused", reason)
    case .entered(let room, let people, let posts, let hasGap):
      (`is`, self.room, self.people) = ("entered", room, people)
      (self.posts, gap) = (posts, hasGap)
    case .noRoom(let room, let reason): (`is`, self.room, text) = ("noRoom", room, reason)
    case .left(let room): (`is`, self.room) = ("left", room)
    case .post(let room, let post): (`is`, self.room, posts) = ("post", room, [post])
    case .came(let room, let name): (`is`, self.room, self.name) = ("came", room, name)
    case .went(let room, let name): (`is`, self.room, self.name) = ("went", room, name)
    case .renamed(let room, let from, let to):
      (`is`, self.room, self.from, name) = ("renamed", room, from, to)
    case .people(let room, let people): (`is`, self.room, self.people) = ("people", room, people)
    case .rooms(let rooms): (`is`, self.rooms) = ("rooms", rooms)
    case .newRoom(let room): (`is`, self.room) = ("newRoom", room)
    case .notice(let notice): (`is`, text) = ("notice", notice)
    case .replaced: `is` = "replaced"
    }
  }

  /// The JSON of an update.
  static func json(_ update: Update) -> String {
    // Texts, numbers and arrays of them can always be encoded.
    guard let data = try? JSONEncoder().encode(PageUpdate(update)) else { return "{}" }
    return String(decoding: data, as: UTF8.self)
  }
}
