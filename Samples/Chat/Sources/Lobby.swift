import Troupe

/// Knows the names that are taken, and the rooms, which are its children.
struct Lobby: Behavior {
  enum Message: Sendable {
    case enter(name: String, token: String?, Address<Session.Message>)
    case open(Command.Wish, Address<Session.Message>)
    case rooms(Address<Session.Message>)
    case gone(ActorID)
  }

  private struct Person {
    let session: Address<Session.Message>
    let token: String?
  }

  static let firstRoom = "lobby"
  static let longestName = 24
  static let mostRooms = 200

  let clock: @Sendable () -> Int
  private var rooms: [String: Address<Room.Message>] = [:]
  /// By the names in lower case, so that there are no two that look alike.
  private var people: [String: Person] = [:]
  private var keys: [ActorID: String] = [:]

  init(clock: @escaping @Sendable () -> Int) { self.clock = clock }

  mutating func started(in context: Context<Message>) { open(Self.firstRoom, in: context) }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .enter(let name, let token, let session): enter(name, token, session, in: context)
    case .open(let wish, let session):
      let name = wish.room.lowercased()
      if let room = rooms[name] {
        session.send(.opened(name, room, after: wish.after))
      } else if !Self.isRoomName(name) {
        session.send(.closed(name, "The name of a room has at most \(Self.longestName) letters, digits and hyphens."))
      } else if rooms.count >= Self.mostRooms {
        session.send(.closed(name, "There are \(rooms.count) rooms, and no more can be opened."))
      } else {
        session.send(.opened(name, open(name, in: context), after: wish.after))
        for person in people.values { person.session.send(.update(.newRoom(name))) }
      }
    case .rooms(let session): session.send(.update(.rooms(rooms.keys.sorted())))
    case .gone(let id):
      if let key = keys.removeValue(forKey: id) { people[key] = nil }
    }
  }

  private mutating func enter(
    _ name: String, _ token: String?, _ session: Address<Session.Message>, in context: Context<Message>
  ) {
    let name = name.cleaned
    guard (1...Self.longestName).contains(name.count) else {
      return session.send(.refused("A name has 1 to \(Self.longestName) characters."))
    }
    let key = name.lowercased()
    if let holder = people[key], holder.session.actor != session.actor {
      guard let token, token == holder.token else {
        return session.send(.refused("The name \(name) is taken. Choose another one."))
      }
      keys[holder.session.actor] = nil
      holder.session.send(.replaced)
    }
    if let old = keys[session.actor] { people[old] = nil }
    people[key] = Person(session: session, token: token)
    keys[session.actor] = key
    context.watch(session) { _ in .gone(session.actor) }
    session.send(.welcome(name: name, rooms: rooms.keys.sorted()))
  }

  @discardableResult
  private mutating func open(_ name: String, in context: Context<Message>) -> Address<Room.Message> {
    let room = context.spawn("room-\(name)") { [clock] in Room(name, clock: clock) }
    rooms[name] = room
    return room
  }

  private static func isRoomName(_ name: String) -> Bool {
    (1...longestName).contains(name.count) && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
  }
}
