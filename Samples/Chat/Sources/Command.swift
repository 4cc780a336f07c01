/// What a client asks its session for, whatever the client is.
enum Command: Sendable, Hashable {
  /// A room to be in, and the number of the last post that the client knows of it.
  struct Wish: Sendable, Hashable {
    let room: String
    var after: Int?
  }

  /// Gives the client a name, or another one. A token that only the client knows lets it take over its own name from a
  /// session whose connection has broken, before anybody has noticed that.
  case enter(name: String, token: String?, rooms: [Wish])
  case join(Wish)
  /// Without a room it is the one in which the client is now, as in the following ones.
  case leave(room: String?)
  case say(room: String?, text: String)
  case people(room: String?)
  case rooms
  /// What the connection has to tell its own client.
  case notice(String)
  case quit
}

extension String {
  /// The text without what could do harm on a terminal, and without space around it.
  var cleaned: String {
    let visible = unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
    var text = Substring(String(String.UnicodeScalarView(visible)))
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
