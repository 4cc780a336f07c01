import Foundation
import Testing

@testable import Chat

/// The commands and updates as lines and as JSON.
struct ChatTextTests {
  @Test(arguments: [
    ("hello", Command.say(room: nil, text: "hello")), ("", .say(room: nil, text: "")),
    ("/join swift", .join(Command.Wish(room: "swift"))), ("/leave", .leave(room: nil)),
    ("/leave swift", .leave(room: "swift")), ("/who", .people(room: nil)), ("/rooms", .rooms),
    ("/name Ann Lee", .enter(name: "Ann Lee", token: nil, rooms: [])), ("/quit", .quit),
    ("/join", .notice(Lines.help)), ("/", .notice(Lines.help)), ("/rooms all", .notice(Lines.help)),
  ]) func `a line is a command`(line: String, command: Command) {
    #expect(Lines.command(line) == command)
  }

  @Test func `an update is some lines, or none`() {
    let post = Post(number: 1, author: "ann", text: "hi", time: 1)
    #expect(Lines.text(of: .post(room: "lobby", post)) == "[lobby] ann: hi")
    #expect(
      Lines.text(of: .entered(room: "lobby", people: ["ann", "bob"], posts: [post], hasGap: false))
        == "* In lobby: ann, bob\n[lobby] ann: hi")
    #expect(Lines.text(of: .notice("a\nb")) == "* a\n* b")
    #expect(Lines.text(of: .newRoom("swift")) == nil)
  }

  @Test func `an object of JSON is a command`() {
    func command(_ json: String) -> Command { PageCommand.command(json) }
    #expect(
      command(
        #"{"do":"enter","name":"ann","token":"t","rooms":[{"room":"lobby","after":null},{"room":"a","after":7}]}"#)
        == .enter(name: "ann", token: "t", rooms: [Command.Wish(room: "lobby"), Command.Wish(room: "a", after: 7)]))
    #expect(command(#"{"do":"say","room":"a","text":"\"hi\""}"#) == .say(room: "a", text: "\"hi\""))
    #expect(command(#"{"do":"join","room":"a","after":3}"#) == .join(Command.Wish(room: "a", after: 3)))
    #expect(command(#"{"do":"leave","room":"a"}"#) == .leave(room: "a"))
    for wrong in ["", "{", "[]", "{}", #"{"do":"say","room":"a"}"#, #"{"do":"fly","room":"a"}"#, #"{"do":7}"#] {
      #expect(command(wrong) == .notice("The server does not understand what this page has sent."), "\(wrong)")
    }
  }

  @Test func `an update is an object of JSON that has what the page reads`() throws {
    func object(_ update: Update) throws -> NSDictionary {
      try #require(try JSONSerialization.jsonObject(with: Data(PageUpdate.json(update).utf8)) as? NSDictionary)
    }
    #expect(try object(.replaced) == ["is": "replaced"])
    #expect(try object(.went(room: "a", name: "ann")) == ["is": "went", "room": "a", "name": "ann"])
    #expect(
      try object(.renamed(room: "a", from: "x", to: "y")) == ["is": "renamed", "room": "a", "from": "x", "name": "y"])
    let post = Post(number: 5, author: "ann", text: "<b>", time: 9)
    #expect(
      try object(.entered(room: "a", people: ["ann"], posts: [post], hasGap: true)) == [
        "is": "entered", "room": "a", "people": ["ann"], "gap": true,
        "posts": [["number": 5, "author": "ann", "text": "<b>", "time": 9] as NSDictionary],
      ])
  }

  @Test func `pages of the same host may come in, and those that are allowed by name`() throws {
    func accepts(_ origin: String, _ host: String?, _ origins: Origins = Origins()) -> Bool {
      origins.accepts(origins: [origin], host: host)
    }
    #expect(Origins().accepts(origins: [], host: "a.example"))
    #expect(accepts("http://a.example", "a.example") && accepts("HTTPS://A.example", "a.EXAMPLE"))
    #expect(accepts("http://a.example", "a.example:80") && accepts("https://a.example:443", "a.example"))
    #expect(accepts("http://[::1]:8080", "[::1]:8080"))
    for origin in [
      "http://b.example", "http://a.example:8080", "https://a.example:80", "http://a.example.b", "http://b.a.example",
      "null", "", "a.example", "http://", "ftp://a.example", "http://a.example/",
    ] {
      #expect(!accepts(origin, "a.example"), "\(origin)")
    }
    #expect(!accepts("http://a.example", nil))
    #expect(!Origins().accepts(origins: ["http://a.example", "http://a.example"], host: "a.example"))
    let others = try #require(Origins("https://b.example,http://C.example:81"))
    #expect(others.description == "https://b.example,http://c.example:81")
    #expect(accepts("https://b.example", "a.example", others) && accepts("http://c.example:81", "a.example", others))
    #expect(!accepts("http://b.example", "a.example", others) && !accepts("http://c.example", "a.example", others))
    // Browsers leave the usual port out, whoever names it.
    let ports = try #require(Origins("https://b.example:443,http://c.example:80,http://d.example:443"))
    #expect(accepts("https://b.example", nil, ports) && accepts("https://b.example:443", nil, ports))
    #expect(accepts("http://c.example", nil, ports) && accepts("http://d.example:443", nil, ports))
    #expect(!accepts("http://b.example", nil, ports) && !accepts("https://d.example", nil, ports))
    #expect(!accepts("http://d.example", nil, ports) && !accepts("https://c.example", nil, ports))
    for wrong in ["", "b.example", "https://b.example,", "https://b.example/", "null", "https://:443"] {
      #expect(Origins(wrong) == nil, "\(wrong)")
    }
  }
}
