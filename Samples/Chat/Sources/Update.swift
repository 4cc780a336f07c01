/// What a session shows to its client, whatever the client is.
enum Update: Sendable, Hashable {
  /// The client has this name now.
  case welcome(name: String, rooms: [String])
  /// The client has not got the name that it asked for.
  case refused(String)
  /// The client is in a room. The posts are those that it does not know; with a gap, even older ones are lost.
  case entered(room: String, people: [String], posts: [Post], hasGap: Bool)
  /// The room cannot be had, for this reason.
  case noRoom(String, String)
  case left(room: String)
  case post(room: String, Post)
  case came(room: String, name: String)
  case went(room: String, name: String)
  case renamed(room: String, from: String, to: String)
  case people(room: String, [String])
  case rooms([String])
  case newRoom(String)
  case notice(String)
  /// Another session has taken over the name, and this one ends.
  case replaced
}

/// Where a session shows its updates. It is all that a session knows of a connection. Neither closure waits.
struct Outlet: Sendable {
  let show: @Sendable (Update) -> Void
  let close: @Sendable () -> Void
}
