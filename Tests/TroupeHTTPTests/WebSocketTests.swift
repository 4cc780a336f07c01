import Foundation
import Synchronization
import Testing
import Troupe
import TroupeHTTP
import TroupeNet

@Suite("WebSockets")
struct WebSocketTests {
  static let handshake =
    "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

  /// Sends back what comes, and notes the end. A text `stop` stops the actor, and `fail` makes it fail.
  struct Echo: Behavior {
    struct Oops: Error {}
    typealias Message = WebSocketEvent
    let socket: WebSocket
    let note: @Sendable (String) -> Void

    mutating func receive(_ event: consuming WebSocketEvent, in context: Context<WebSocketEvent>) throws {
      switch event {
      case .text("stop"): context.stop()
      case .text("fail"): throw Oops()
      case .text("close"): socket.close(WebSocketCloseCode(rawValue: 4001), reason: "enough")
      case .text(let text): socket.send(text)
      case .binary(let bytes): socket.send(bytes)
      case .closed(let code, let reason): note("\(code) \(reason)")
      }
    }

    mutating func stopping(in context: Context<WebSocketEvent>) { note("stopped") }
  }

  /// What a test has noted, for which another task can wait.
  final class Notes: Sendable {
    private let lines = Mutex<[String]>([])
    let isStopped = Gate()
    func add(_ line: String) {
      lines.withLock { $0.append(line) }
      if line == "stopped" { isStopped.open() }
    }
    var all: [String] { lines.withLock { $0 } }
  }

  /// A raw client whose handshake has succeeded.
  static func open(_ port: Int) throws -> RawClient {
    let client = try RawClient(port: port)
    try client.send(handshake + "\r\n")
    let answer = try client.answer()
    #expect(answer.status == 101 && answer.fields["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    #expect(answer.fields["connection"] == "Upgrade" && answer.fields["upgrade"] == "websocket")
    return client
  }

  static func frame(_ first: UInt8, _ text: String) -> [UInt8] {
    WebSocketCodecTests.frame(first, Array(text.utf8))
  }

  /// The next short frame: its first byte and its payload.
  static func next(_ client: RawClient) throws -> (UInt8, [UInt8]) {
    let head = try client.read(2)
    return (head[0], try client.read(Int(head[1])))
  }

  @Test("An actor talks to a client until that closes")
  func echo() async throws {
    let notes = Notes()
    try await withServer { routes in
      routes.webSocket("/socket") { socket in Echo(socket: socket) { notes.add($0) } }
    } _: { server, _ in
      try await onThread {
        let client = try Self.open(server.port)
        // A fragment, a ping within the message, and the next message, all at once.
        try client.send(
          Self.frame(0x01, "hel") + Self.frame(0x89, "x") + Self.frame(0x80, "lo") + Self.frame(0x82, "bytes"))
        #expect(try Self.next(client) == (0x8a, Array("x".utf8)))
        #expect(try Self.next(client) == (0x81, Array("hello".utf8)))
        #expect(try Self.next(client) == (0x82, Array("bytes".utf8)))
        try client.send(WebSocketCodecTests.frame(0x88, [0x0f, 0xa0] + Array("bye".utf8)))
        #expect(try Self.next(client) == (0x88, [0x0f, 0xa0]))
        #expect(try client.readAll() == "")
      }
      await notes.isStopped.wait()
      #expect(notes.all == ["4000 bye", "stopped"])
    }
  }

  @Test(
    "Whoever ends it, both sides are told why",
    arguments: [
      (frame(0x81, "close"), 4001, "4001 enough"), (frame(0x81, "stop"), 1000, nil), (frame(0x81, "fail"), 1011, nil),
      (WebSocketCodecTests.frame(0x81, [0xff]), 1007, "1007 a text is no UTF-8"),
      ([0x81, 0x01, 0x61], 1002, "1002 a frame is not masked"),
      (
        WebSocketCodecTests.frame(0x82, [UInt8](repeating: 0, count: 101)), 1009,
        "1009 a message has more than 100 bytes"
      ),
    ])
  func ends(_ bytes: [UInt8], _ code: Int, _ note: String?) async throws {
    let notes = Notes()
    var options = HTTPOptions()
    options.limits.webSocketMessage = 100
    try await withServer(options: options) { routes in
      routes.webSocket("/socket") { socket in Echo(socket: socket) { notes.add($0) } }
    } _: { server, _ in
      try await onThread {
        let client = try Self.open(server.port)
        try client.send(bytes)
        let (first, payload) = try Self.next(client)
        #expect(first == 0x88 && Int(payload[0]) << 8 | Int(payload[1]) == code)
        #expect(try client.readAll() == "")
      }
      await notes.isStopped.wait()
      #expect(notes.all == (note.map { [$0] } ?? []) + ["stopped"])
    }
  }

  /// What a client is sent until the end of its socket, as text, and the code of the close frame.
  private static func rest(_ client: RawClient) throws -> [String] {
    var all: [String] = []
    while true {
      let (first, payload) = try next(client)
      if first == 0x88 {
        let end = try client.readAll()
        client.endOutput()
        return all + ["\(Int(payload[0]) << 8 | Int(payload[1]))" + end]
      }
      all.append(String(decoding: payload, as: UTF8.self))
    }
  }

  @Test("When the server stops every client is told that it goes away, after the answers to all it has sent")
  func serverStops() async throws {
    let notes = Notes()
    let (begun, gate) = (Gate(), Gate())
    let (isSending, isRefused) = (Gate(), Gate())
    try await withServer(options: Self.patient) { routes in
      routes.webSocket("/socket") { socket in Echo(socket: socket) { notes.add($0) } }
      routes.webSocket("/task") { socket in
        for try await message in socket.messages {
          begun.open()
          await gate.wait()
          await socket.deliver(message)
        }
        await socket.deliver(.text("goodbye"))
      }
      routes.webSocket("/sender") { socket in
        // It asks for no message.
        await socket.deliver(.text("news"))
        isSending.open()
        while await socket.deliver(.text("more")) { await Task.yield() }
        isRefused.open()
      }
    } _: { server, _ in
      func open(_ path: String) async throws -> RawClient {
        try await onThread {
          let client = try RawClient(port: server.port)
          try client.send(Self.handshake.replacing("/socket", with: path) + "\r\n")
          #expect(try client.answer().status == 101)
          return client
        }
      }
      let (idle, busy, listener) = (try await open("/socket"), try await open("/task"), try await open("/sender"))
      try await onThread {
        try idle.send(Self.frame(0x81, "a"))
        #expect(try Self.next(idle) == (0x81, Array("a".utf8)))
        try busy.send(Self.frame(0x81, "b") + Self.frame(0x81, "c") + Self.frame(0x81, "d"))
      }
      await begun.wait()
      await isSending.wait()
      async let stopped: Void = server.stop(within: .seconds(60))
      #expect(try await onThread { try Self.rest(idle) } == ["1001"])
      let news = try await onThread { try Self.rest(listener) }
      #expect(news.first == "news" && news.last == "1001")
      await isRefused.wait()
      // Only now the handler answers what came before.
      gate.open()
      #expect(try await onThread { try Self.rest(busy) } == ["b", "c", "d", "goodbye", "1001"])
      await stopped
      #expect(server.connectionCount == 0)
      await notes.isStopped.wait()
      #expect(notes.all == ["1001 ", "stopped"])
    }
  }

  /// The settings of a server that waits for its handlers for as long as a test takes.
  private static var patient: HTTPOptions {
    var options = HTTPOptions()
    options.server.drainTimeout = .seconds(600)
    options.server.connection.closeTimeout = .seconds(60)
    return options
  }

  @Test("A handler that only sends after its first message is told by its refused message when the server stops")
  func senderAfterMessage() async throws {
    let isSending = Gate()
    var options = HTTPOptions()
    // Half of it is what the handler has.
    options.server.drainTimeout = .milliseconds(20)
    try await withServer(options: options) { routes in
      routes.webSocket("/socket") { socket in
        for try await message in socket.messages {
          await socket.deliver(message)
          break
        }
        isSending.open()
        while await socket.deliver(.text("more")) { await Task.yield() }
      }
    } _: { server, _ in
      let client = try await onThread { () -> RawClient in
        let client = try Self.open(server.port)
        try client.send(Self.frame(0x81, "topic"))
        return client
      }
      await isSending.wait()
      async let stopped: Void = server.stop(within: .seconds(60))
      let all = try await onThread { try Self.rest(client) }
      #expect(all.first == "topic" && all.last == "1001")
      await stopped
    }
  }

  @Test("The client of a busy handler is told that the server goes away while the stop still has time for it")
  func busyHandler() async throws {
    let (begun, gate) = (Gate(), Gate())
    // The options leave far more time than the stop.
    try await withServer(options: Self.patient) { routes in
      routes.webSocket("/socket") { socket in
        for try await _ in socket.messages {
          begun.open()
          await gate.wait()
        }
      }
    } _: { server, _ in
      defer { gate.open() }
      let client = try await onThread { () -> RawClient in
        let client = try Self.open(server.port)
        try client.send(Self.frame(0x81, "work"))
        return client
      }
      await begun.wait()
      async let stopped: Void = server.stop(within: .seconds(3))
      #expect(try await onThread { try Self.rest(client) } == ["1001"])
      await stopped
    }
  }

  @Test("A message that is held back because the client does not read is handled too when the server stops")
  func stopsWhileHeldBack() async throws {
    try await withServer(options: Self.patient) { routes in
      routes.webSocket("/socket") { socket in
        for try await message in socket.messages {
          if message == .text("much") {
            socket.send([UInt8](repeating: 0, count: 12 << 20))
          } else {
            socket.send("last")
          }
        }
      }
      routes.webSocket("/idle") { socket in for try await _ in socket.messages {} }
    } _: { server, _ in
      let (client, idle) = try await onThread { () -> (RawClient, RawClient) in
        let client = try Self.open(server.port)
        try client.send(Self.frame(0x81, "much") + Self.frame(0x81, "x"))
        // From now on so much waits that nothing is read.
        _ = try client.read(1)
        let idle = try RawClient(port: server.port)
        try idle.send(Self.handshake.replacing("/socket", with: "/idle") + "\r\n")
        #expect(try idle.answer().status == 101)
        return (client, idle)
      }
      async let stopped: Void = server.stop(within: .seconds(60))
      #expect(try await onThread { try Self.rest(idle) } == ["1001"])
      let bytes = try await onThread { () -> [UInt8] in
        defer { client.endOutput() }
        return try client.readToEnd()
      }
      #expect(bytes.suffix(10) == [0x81, 4] + Array("last".utf8) + [0x88, 2, 0x03, 0xe9])
      await stopped
    }
  }

  /// The first bytes of the frames of which a server's stream consists.
  private static func kinds(_ bytes: [UInt8]) -> [UInt8] {
    var (all, position) = ([UInt8](), 0)
    while position + 2 <= bytes.count {
      all.append(bytes[position])
      position += 2 + Int(bytes[position + 1])
    }
    return all
  }

  @Test("Nothing follows the frame that closes a socket, whoever sends meanwhile")
  func nothingAfterClose() async throws {
    var options = Self.patient
    // The client reads as fast as it can, and the threads may be faster.
    options.server.connection.outputLimit = .max
    for round in 0..<20 {
      let threads = DispatchGroup()
      try await withServer(options: options) { routes in
        routes.webSocket("/socket") { socket in
          for _ in 0..<4 {
            threads.enter()
            Thread.detachNewThread {
              while socket.send("x") {}
              threads.leave()
            }
          }
          for try await _ in socket.messages {}
        }
      } _: { server, _ in
        let client = try await onThread { () -> RawClient in
          let client = try Self.open(server.port)
          _ = try Self.next(client)
          return client
        }
        async let stopped: Void = server.stop(within: .seconds(60))
        let kinds = try await onThread { () -> [UInt8] in
          defer { client.endOutput() }
          return Self.kinds(try client.readToEnd())
        }
        #expect(kinds.last == 0x88 && kinds.dropLast().allSatisfy { $0 == 0x81 }, "round \(round)")
        await stopped
        await withCheckedContinuation { done in threads.notify(queue: .global()) { done.resume() } }
      }
    }
  }

  @Test("A socket that is opened while the server stops, and one whose server's actor ends, are told too")
  func serverEnds() async throws {
    let (asked, gate) = (Gate(), Gate())
    try await withServer { routes in
      routes.get("/slow") { _ async throws -> Response in
        asked.open()
        await gate.wait()
        return .text("slow")
      }
      routes.webSocket("/socket") { socket in for try await message in socket.messages { await socket.deliver(message) }
      }
    } _: { server, _ in
      let client = try RawClient(port: server.port)
      let idle = try await onThread { () -> RawClient in
        try client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + Self.handshake + "\r\n")
        return try Self.open(server.port)
      }
      await asked.wait()
      async let stopped: Void = server.stop(within: .seconds(60))
      #expect(try await onThread { try Self.rest(idle) } == ["1001"])
      gate.open()
      try await onThread { () throws -> Void in
        #expect(try client.answer().body == "slow")
        #expect(try client.answer().status == 101)
        #expect(try Self.rest(client) == ["1001"])
      }
      await stopped
    }

    let system = ActorSystem("owner", options: .init(log: { _ in }))
    let found = Mutex<Server?>(nil)
    let isThere = Gate()
    let owner = system.spawn {
      Owner { server in
        found.withLock { $0 = server }
        isThere.open()
      }
    }
    await isThere.wait()
    let port = try #require(found.withLock { $0?.port })
    let client = try await onThread { try Self.open(port) }
    system.stop(owner)
    #expect(try await onThread { try Self.rest(client) } == ["1001"])
    await system.shutdown()
  }

  /// Has a server of its own.
  private struct Owner: Behavior {
    let found: @Sendable (Server) -> Void
    func started(in context: Context<Never>) throws {
      found(
        try context.serveHTTP(on: .loopback(0)) { routes in
          routes.webSocket("/socket") { socket in
            for try await message in socket.messages { await socket.deliver(message) }
          }
        })
    }
    func receive(_ message: consuming Never, in context: Context<Never>) {}
  }

  @Test("A client that goes away without a word is told of as such")
  func abnormal() async throws {
    let notes = Notes()
    try await withServer { routes in
      routes.webSocket("/socket") { socket in Echo(socket: socket) { notes.add($0) } }
    } _: { server, _ in
      try await onThread { _ = try Self.open(server.port) }
      await notes.isStopped.wait()
      #expect(notes.all == ["1006 ", "stopped"])
    }
  }

  @Test("A request that is not for a WebSocket, or is refused, is answered as such")
  func refused() async throws {
    try await withServer { routes in
      routes.webSocket("/socket", protocols: ["b", "c"]) { request in
        if request.headers["Origin"] == "evil" { throw HTTPError(.forbidden) }
      } _: { socket in
        for try await message in socket.messages { await socket.deliver(message) }
      }
    } _: { server, _ in
      try await onThread {
        let client = try RawClient(port: server.port)
        let plain = try client.ask("GET", "/socket")
        #expect(plain.status == 426 && plain.fields["upgrade"] == "websocket")
        func status(_ handshake: String) throws -> RawClient.Answer {
          let client = try RawClient(port: server.port)
          try client.send(handshake)
          return try client.answer()
        }
        #expect(try status(Self.handshake.replacing("13", with: "12") + "\r\n").fields["sec-websocket-version"] == "13")
        #expect(try status(Self.handshake.replacing("==", with: "") + "\r\n").status == 400)
        #expect(try status(Self.handshake + "Origin: evil\r\n\r\n").status == 403)
        let chosen = try status(Self.handshake + "Sec-WebSocket-Protocol: a, c, b\r\n\r\n")
        #expect(chosen.status == 101 && chosen.fields["sec-websocket-protocol"] == "b")
      }
    }
  }

  @Test("An actor that is behind holds its client")
  func demand() async throws {
    let gate = DispatchSemaphore(value: 0)
    let count = Atomic<Int>(0)
    try await withServer { routes in
      routes.webSocket("/socket") { socket in
        for try await message in socket.messages {
          if count.add(1, ordering: .relaxed).newValue == 1 { await socket.deliver(.text("begun")) }
          if case .text = message { break }
          if count.load(ordering: .relaxed) == 1 {
            await withUnsafeContinuation { continuation in
              Thread.detachNewThread {
                gate.wait()
                continuation.resume()
              }
            }
          }
        }
      }
    } _: { server, _ in
      try await onThread {
        let client = try Self.open(server.port)
        let message = WebSocketCodecTests.frame(0x82, [UInt8](repeating: 1, count: 60_000))
        try client.send(message)
        #expect(try Self.next(client) == (0x81, Array("begun".utf8)))
        var sent = 0
        var rest: [UInt8] = []
        while sent < 256 * 1024 * 1024 {
          let count = client.sendWithoutWaiting(message)
          sent += count
          if count < message.count {
            rest = Array(message.dropFirst(count))
            break
          }
        }
        #expect(sent < 64 * 1024 * 1024)
        gate.signal()
        try client.send(rest + Self.frame(0x81, "end"))
        #expect(try Self.next(client).0 == 0x88)
      }
    }
  }
}
