/// What somebody has said in a room.
struct Post: Sendable, Hashable, Codable {
  /// Grows from post to post of a room, even from one run of the program to the next, so that a client which was away
  /// can say up to where it knows the room.
  let number: Int
  let author: String
  let text: String
  /// When it was said, in milliseconds since 1970.
  let time: Int
}
