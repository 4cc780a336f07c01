import Testing
import Troupe
import TroupeTestKit

@testable import Chat

/// The rooms, the lobby and the sessions without sockets.
struct ChatRoomTests {
  /// A lobby in a simulation, whose clock stands still.
  private struct House {
    let simulation: Simulation
    let lobby: Address<Lobby.Message>

    init(seed: UInt64 = 1) {
      simulation = Simulation(seed: seed)
      lobby = simulation.system.spawn("lobby") { Lobby(clock: { 1000 }) }
    }

    func client(_ name: String) -> Client {
      let (shown, closed) = (
        simulation.probe("\(name)-shown", of: Update.self), simulation.probe("\(name)-closed", of: Bool.self)
      )
      let (show, close) = (shown.address, closed.address)
      let session = simulation.system.spawn(name) { [lobby] in
        Session(lobby: lobby, outlet: Outlet(show: { show.send($0) }, close: { close.send(true) }))
      }
      return Client(session: session, shown: shown, closed: closed)
    }

    /// A client that is in the first room, and has been shown that.
    func guest(_ name: String, with others: [String] = []) throws -> Client {
      let client = client(name)
      client.do(.say(room: nil, text: name))
      try client.shown.expect(.welcome(name: name, rooms: ["lobby"]))
      let people = (others + [name]).sorted()
      try client.shown.expect { if case .entered("lobby", people, _, false) = $0 { true } else { false } }
      return client
    }
  }

  private struct Client {
    let session: Address<Session.Message>
    let shown: Probe<Update>
    let closed: Probe<Bool>
    func `do`(_ command: Command) { session.send(.command(command)) }
  }

  private func post(_ number: Int, _ author: String, _ text: String) -> Update {
    .post(room: "lobby", Post(number: number, author: author, text: text, time: 1000))
  }

  @Test(arguments: 0..<UInt64(20)) func `two people meet, talk and part`(seed: UInt64) throws {
    let house = House(seed: seed)
    let ann = try house.guest("ann")
    let bob = try house.guest("bob", with: ["ann"])
    try ann.shown.expect(.came(room: "lobby", name: "bob"))
    ann.do(.say(room: nil, text: "  hello\u{1b}[31m "))
    for client in [ann, bob] { try client.shown.expect(post(1000, "ann", "hello [31m")) }
    bob.do(.enter(name: "Robert", token: nil, rooms: []))
    try bob.shown.expect(.welcome(name: "Robert", rooms: ["lobby"]))
    for client in [ann, bob] { try client.shown.expect(.renamed(room: "lobby", from: "bob", to: "Robert")) }
    house.simulation.system.stop(bob.session, .now)
    try ann.shown.expect(.went(room: "lobby", name: "Robert"))
    // The name that nobody has any more can be taken.
    _ = try house.guest("Robert", with: ["ann"])
    try ann.shown.expect(.came(room: "lobby", name: "Robert"))
    try house.simulation.finish()
  }

  @Test(arguments: 0..<UInt64(20)) func `what a client sends before it has been let in is done afterwards, in order`(
    seed: UInt64
  ) throws {
    let house = House(seed: seed)
    let ann = try house.guest("ann")
    let bob = house.client("bob")
    bob.do(.say(room: nil, text: "bob"))
    bob.do(.say(room: nil, text: "one"))
    bob.do(.join(Command.Wish(room: "Swift")))
    bob.do(.say(room: nil, text: "two"))
    bob.do(.say(room: "lobby", text: "three"))
    bob.do(.quit)
    try ann.shown.expect(.came(room: "lobby", name: "bob"))
    // The lobby tells of the new room beside what is said.
    let next = try (0..<3).map { _ in try ann.shown.next() }
    #expect(next.filter { $0 != .newRoom("swift") } == [post(1000, "bob", "one"), post(1001, "bob", "three")])
    #expect(try bob.closed.next())
    try bob.shown.skip { $0 == .post(room: "swift", Post(number: 1000, author: "bob", text: "two", time: 1000)) }
    try house.simulation.finish()
  }

  @Test func `who sends too much before being let in is cut off`() throws {
    let simulation = Simulation(seed: 1)
    // A lobby that does not answer.
    let lobby = simulation.probe("lobby", of: Lobby.Message.self)
    let closed = simulation.probe("closed", of: Bool.self)
    let close = closed.address
    let session = simulation.system.spawn("session") { [lobby = lobby.address] in
      Session(lobby: lobby, outlet: Outlet(show: { _ in }, close: { close.send(true) }))
    }
    for _ in 0...1000 { session.send(.command(.say(room: nil, text: "flood"))) }
    try closed.expectNone()
    #expect(lobby.count == 1)
    session.send(.command(.say(room: nil, text: "flood")))
    #expect(try closed.next())
    // As the end of its connection does.
    simulation.system.stop(session, .now)
    simulation.runUntilIdle()
    try simulation.finish()
  }

  @Test(arguments: 0..<UInt64(20)) func `a name belongs to one client, which can take it along by its token`(
    seed: UInt64
  ) throws {
    let house = House(seed: seed)
    let ann = try house.guest("ann")
    let wish = [Command.Wish(room: "lobby")]
    let old = house.client("old")
    old.do(.enter(name: "bob", token: "secret", rooms: wish))
    try old.shown.skip { if case .entered = $0 { true } else { false } }
    try ann.shown.expect(.came(room: "lobby", name: "bob"))

    for token in [nil, "", "guess"] {
      let thief = house.client("thief\(token ?? "-")")
      thief.do(.enter(name: "BOB", token: token, rooms: wish))
      try thief.shown.expect(.refused("The name BOB is taken. Choose another one."))
    }
    let new = house.client("new")
    new.do(.enter(name: "bob", token: "secret", rooms: wish))
    try new.shown.skip { if case .entered("lobby", ["ann", "bob"], _, _) = $0 { true } else { false } }
    try old.shown.expect(.replaced)
    #expect(try old.closed.next())
    // For the others he was there all the time.
    house.simulation.system.stop(old.session, .now)
    try ann.shown.expectNone()
    ann.do(.say(room: nil, text: "still here?"))
    try new.shown.expect(post(1000, "ann", "still here?"))
    try house.simulation.finish()
  }

  @Test func `who comes back is told what was said meanwhile, and whether something is lost`() throws {
    let house = House()
    let ann = try house.guest("ann")
    for number in 0..<Room.kept + 1 { ann.do(.say(room: nil, text: "\(number)")) }
    // The post 1000 is not kept any more.
    let last = 1000 + Room.kept
    try ann.shown.skip { $0 == post(last, "ann", "\(Room.kept)") }

    func posts(after: Int?) throws -> (numbers: [Int], hasGap: Bool) {
      let client = house.client("after-\(after ?? 0)")
      client.do(.enter(name: "x\(after ?? 0)", token: nil, rooms: [Command.Wish(room: "lobby", after: after)]))
      var found: (numbers: [Int], hasGap: Bool) = ([], false)
      try client.shown.skip {
        guard case .entered(_, _, let posts, let hasGap) = $0 else { return false }
        found = (posts.map(\.number), hasGap)
        return true
      }
      return found
    }
    #expect(try posts(after: last) == ([], false))
    #expect(try posts(after: last - 2) == ([last - 1, last], false))
    #expect(try posts(after: 1000) == (Array(1001...last), false))
    #expect(try posts(after: 999) == (Array(1001...last), true))
    #expect(try posts(after: nil) == (Array(last - Room.shown + 1...last), false))
    try house.simulation.finish()
  }

  @Test func `what cannot be done is explained`() throws {
    let house = House()
    let client = house.client("client")
    client.do(.rooms)
    try client.shown.expect(.rooms(["lobby"]))
    client.do(.join(Command.Wish(room: "lobby")))
    try client.shown.expect(.notice("Say your name first."))
    for name in [" ", String(repeating: "x", count: 25)] {
      client.do(.enter(name: name, token: nil, rooms: []))
      try client.shown.expect(.refused("A name has 1 to 24 characters."))
    }
    client.do(.enter(name: "carl", token: nil, rooms: []))
    try client.shown.expect(.welcome(name: "carl", rooms: ["lobby"]))
    client.do(.say(room: nil, text: "hello"))
    try client.shown.expect(.notice("You are in no room."))
    client.do(.say(room: "Lobby", text: "hello"))
    try client.shown.expect(.notice("You are not in the room lobby."))
    client.do(.join(Command.Wish(room: "a b")))
    try client.shown.expect(.noRoom("a b", "The name of a room has at most 24 letters, digits and hyphens."))
    client.do(.join(Command.Wish(room: "lobby")))
    try client.shown.expect(.entered(room: "lobby", people: ["carl"], posts: [], hasGap: false))
    client.do(.say(room: nil, text: String(repeating: "x", count: 2001)))
    try client.shown.expect(.notice("A message has at most 2000 bytes."))
    client.do(.people(room: nil))
    try client.shown.expect(.people(room: "lobby", ["carl"]))
    client.do(.leave(room: nil))
    try client.shown.expect(.left(room: "lobby"))
    client.do(.people(room: nil))
    try client.shown.expect(.notice("You are in no room."))
    try house.simulation.finish()
  }

  @Test func `the number of rooms is limited`() throws {
    let house = House()
    let ann = try house.guest("ann")
    for number in 1..<Lobby.mostRooms { ann.do(.join(Command.Wish(room: "r\(number)"))) }
    ann.do(.join(Command.Wish(room: "r\(Lobby.mostRooms)")))
    let reason = "There are \(Lobby.mostRooms) rooms, and no more can be opened."
    try ann.shown.skip { $0 == .noRoom("r\(Lobby.mostRooms)", reason) }
    ann.do(.join(Command.Wish(room: "r1")))
    try ann.shown.skip { if case .entered("r1", _, _, _) = $0 { true } else { false } }
    try house.simulation.finish()
  }
}
