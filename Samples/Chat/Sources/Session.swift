import Troupe

/// One client: its name, and the rooms that it is in. It does not know how the client is connected.
struct Session: Behavior {
  enum Message: Sendable {
    // From the client
    case command(Command)
    /// Something that the connection tells its actor, and that means nothing here.
    case ignored
    // From the lobby
    case welcome(name: String, rooms: [String])
    case refused(String)
    case opened(String, Address<Room.Message>, after: Int?)
    case closed(String, String)
    case replaced
    // From the rooms, and the lobby too
    case update(Update)
  }

  static let longestText = 2000

  let lobby: Address<Lobby.Message>
  let outlet: Outlet
  private var name: String?
  private var rooms: [String: Address<Room.Message>] = [:]
  private var current: String?
  /// The rooms to go to when the lobby has said yes to the name.
  private var wishes: [Command.Wish] = []
  /// How many answers of the lobby are awaited. Until they are there, commands wait in the stash.
  private var awaited = 0

  init(lobby: Address<Lobby.Message>, outlet: Outlet) {
    self.lobby = lobby
    self.outlet = outlet
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .command(let command):
      if awaited > 0 {
        // Who sends so much before the lobby has answered is cut off.
        if !context.stash(.command(command)).isSent { outlet.close() }
      } else {
        perform(command, in: context)
      }
    case .ignored: break
    case .welcome(let name, let rooms):
      outlet.show(.welcome(name: name, rooms: rooms))
      if self.name != nil && self.name != name {
        for room in self.rooms.values { room.send(.rename(context.address.actor, name)) }
      }
      self.name = name
      for wish in wishes { open(wish, in: context) }
      answered(in: context)
    case .refused(let reason):
      outlet.show(.refused(reason))
      answered(in: context)
    case .opened(let name, let room, let after):
      rooms[name] = room
      current = name
      room.send(.join(Room.Member(name: self.name ?? "", session: context.address), after: after))
      answered(in: context)
    case .closed(let room, let reason):
      outlet.show(.noRoom(room, reason))
      answered(in: context)
    case .replaced:
      outlet.show(.replaced)
      outlet.close()
    case .update(let update): outlet.show(update)
    }
  }

  private mutating func answered(in context: Context<Message>) {
    awaited -= 1
    if awaited == 0 { context.unstashAll() }
  }

  private mutating func open(_ wish: Command.Wish, in context: Context<Message>) {
    awaited += 1
    lobby.send(.open(wish, context.address))
  }

  private mutating func perform(_ command: Command, in context: Context<Message>) {
    switch command {
    case .enter(let name, let token, let wishes): enter(name, token, wishes, in: context)
    case .notice(let text): outlet.show(.notice(text))
    case .quit: outlet.close()
    case .rooms: lobby.send(.rooms(context.address))
    case .say(_, let text) where name == nil:
      enter(text, nil, [Command.Wish(room: Lobby.firstRoom)], in: context)
    case _ where name == nil: outlet.show(.notice("Say your name first."))
    case .join(let wish): open(wish, in: context)
    case .leave(let room):
      guard let (name, room) = find(room) else { return }
      room.send(.leave(context.address.actor))
      rooms[name] = nil
      if current == name { current = rooms.keys.min() }
      outlet.show(.left(room: name))
    case .say(let room, let text):
      let text = text.cleaned
      guard !text.isEmpty, let (_, room) = find(room) else { return }
      guard text.utf8.count <= Self.longestText else {
        return outlet.show(.notice("A message has at most \(Self.longestText) bytes."))
      }
      room.send(.say(context.address.actor, text))
    case .people(let room): find(room)?.1.send(.people(context.address.actor))
    }
  }

  private mutating func enter(
    _ name: String, _ token: String?, _ wishes: [Command.Wish], in context: Context<Message>
  ) {
    self.wishes = wishes
    awaited += 1
    lobby.send(.enter(name: name, token: token, context.address))
  }

  /// The room that is meant. If the client is not there, it is told.
  private func find(_ name: String?) -> (String, Address<Room.Message>)? {
    guard let name = name?.lowercased() ?? current else {
      outlet.show(.notice("You are in no room."))
      return nil
    }
    guard let room = rooms[name] else {
      outlet.show(.notice("You are not in the room \(name)."))
      return nil
    }
    return (name, room)
  }
}
