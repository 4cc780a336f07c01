import Foundation
import TestSupport
import Testing
import Troupe

@testable import TroupeNet

#if canImport(Glibc)
  import Glibc
#endif

@Suite("Servers", .serialized, .timeLimit(.minutes(5)))
struct ServerTests {
  private static let echo: Peer<LineCodec>.Body = { event, connection, _ in
    if case .received(let line) = event { connection.write(line) }
  }

  private static func answer(_ socket: RawSocket, to line: String = "hello") async -> String {
    await onThread {
      socket.send("\(line)\n")
      return socket.text(line.utf8.count + 1)
    }
  }

  @Test("An endpoint that is in use or no address is refused with its name and the reason")
  func inUse() async throws {
    let net = Net()
    let server = try net.system.lines(Self.echo)
    let error = #expect(throws: NetworkError.self) {
      try net.system.listen(on: server.endpoint, codec: LineCodec()) { Peer($0, Self.echo) }
    }
    #expect(error?.description == "bind to \(server.endpoint): Address already in use (EADDRINUSE)")
    let name = #expect(throws: NetworkError.self) {
      try net.system.listen(on: .tcp(host: "example.com", port: 0), codec: LineCodec()) { Peer($0, Self.echo) }
    }
    #expect(name?.description.contains("a server needs an address") == true)
    await net.end()
  }

  @Test("A server takes as many connections as it may, and the next when one is closed")
  func limit() async throws {
    let net = Net()
    var options = ServerOptions()
    options.maximumConnections = 2
    let server = try net.system.lines(options, Story(), Self.echo)
    var first: RawSocket? = RawSocket(port: server.port)
    let second = RawSocket(port: server.port)
    #expect(await Self.answer(try #require(first)) == "hello\n")
    #expect(await Self.answer(second) == "hello\n")
    let third = RawSocket(port: server.port)
    third.send("third\n")
    for _ in 0..<20 { #expect(await Self.answer(second) == "hello\n") }
    #expect(server.connectionCount == 2)
    first = nil
    #expect(await onThread { third.text(6) } == "third\n")
    #expect(server.connectionCount == 2)
    await net.end(second, third)
  }

  @Test("A server that stops finishes what is under way, and accepts nobody any more")
  func stop() async throws {
    let net = Net()
    let found = Later<Connection<LineCodec>>()
    let server = try net.system.lines { event, connection, _ in
      guard case .received(let line) = event else { return }
      if line == "work" {
        connection.pauseReading()
        found.set(connection)
      } else {
        connection.write(line)
      }
    }
    let idle = RawSocket(port: server.port)
    #expect(await Self.answer(idle) == "hello\n")
    let busy = RawSocket(port: server.port)
    busy.send("work\nmore\n")
    let connection = await found.value
    let stopped = Event()
    let stopping = Task {
      await server.stop(within: .seconds(100))
      stopped.set()
    }
    #expect(await onThread { idle.receiveAll() } == [])
    #expect(!stopped.isSet)
    connection.write("done")
    connection.resumeReading()
    #expect(await onThread { busy.receiveAll() } == Array("done\nmore\n".utf8))
    busy.endOutput()
    idle.endOutput()
    await stopping.value
    #expect(server.connectionCount == 0)
    let again = try net.system.listen(on: server.endpoint, codec: LineCodec()) { Peer($0, Self.echo) }
    #expect(await Self.answer(RawSocket(port: again.port)) == "hello\n")
    await net.end(idle, busy)
  }

  @Test("A server that stops cuts off what is not finished in time")
  func stopCutsOff() async throws {
    let net = Net()
    let story = Story()
    let server = try net.system.lines(ServerOptions(), story) { event, connection, _ in
      if case .received = event { connection.pauseReading() }
    }
    let client = RawSocket(port: server.port)
    client.send("work\n")
    await until { story.all == ["work"] }
    await server.stop(within: .milliseconds(20))
    #expect(server.connectionCount == 0)
    await story.closed.wait()
    #expect(story.all == ["work", "closed: the connection was aborted"])
    _ = await onThread { client.receiveAll() }
    #expect(client.error == ECONNRESET)
    await net.end(client)
  }

  @Test("A connection whose peer has ended its side finishes when the server stops")
  func stopHalfClosed() async throws {
    let net = Net()
    let story = Story()
    var options = ServerOptions()
    options.connection.allowsHalfClose = true
    let server = try net.system.lines(options, story) { _, _, _ in }
    let client = RawSocket(port: server.port)
    client.endOutput()
    await until { story.all == ["inputEnded"] }
    await server.stop(within: .seconds(1_000))
    await story.closed.wait()
    #expect(story.all == ["inputEnded", "closed: the connection was closed"])
    await net.end(client)
  }

  @Test("The shutdown of the system lets connections finish")
  func shutdown() async throws {
    let net = Net()
    let found = Later<Connection<LineCodec>>()
    let server = try net.system.lines { event, connection, _ in
      guard case .received = event else { return }
      connection.pauseReading()
      found.set(connection)
    }
    let client = RawSocket(port: server.port)
    client.send("work\n")
    let connection = await found.value
    async let report = net.end()
    connection.write("done")
    connection.resumeReading()
    #expect(await onThread { client.receiveAll() } == Array("done\n".utf8))
    client.endAll()
    _ = await report
    #expect(server.connectionCount == 0)
  }

  @Test("Connections that are opened and closed again and again leave no descriptor")
  func noDescriptorIsLeft() async throws {
    let net = Net()
    let server = try net.system.lines(Self.echo)
    let port = server.port
    let count = Scale.count(5_000)
    let before = openDescriptors()
    let answered = await onThread { () -> Int in
      var random = Random(seed: 1)
      var answered = 0
      for _ in 0..<count {
        let socket = RawSocket(port: port)
        switch random.below(4) {
        case 0: socket.abortsWhenClosed()
        case 1:
          socket.send("x\n")
          socket.abortsWhenClosed()
        case 2: socket.send("half")
        default:
          socket.send("x\n")
          if socket.text(2) == "x\n" { answered += 1 }
        }
      }
      return answered
    }
    #expect(answered > count / 8)
    await until { server.connectionCount == 0 }
    #expect(await settled { openDescriptors() <= before })
    await net.end()
  }

  @Test("A server without descriptors left serves its clients again when there are some")
  func outOfDescriptors() async throws {
    let net = Net()
    let server = try net.system.lines(Self.echo)
    let first = RawSocket(port: server.port)
    #expect(await Self.answer(first) == "hello\n")
    let second = RawSocket(port: server.port)
    #expect(await Self.answer(second) == "hello\n")
    // A socket that is open already connects while the process may open no other one.
    let third = RawSocket.unconnected()
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(7), &limit)
    let old = limit
    limit.rlim_cur = 0
    setrlimit(__rlimit_resource_t(7), &limit)
    third.connect(to: server.port)
    let wasLogged = await settled { net.log.all.contains { $0.contains("EMFILE") } }
    var restored = old
    setrlimit(__rlimit_resource_t(7), &restored)
    #expect(wasLogged)
    #expect(await Self.answer(third) == "hello\n")
    #expect(net.log.all.filter { $0.contains("EMFILE") }.count == 1)
    await net.end(first, second, third)
  }

  @Test("A Unix-domain socket replaces the file of a server that is gone, and not that of one that is there")
  func unixDomain() async throws {
    let net = Net()
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "troupe-\(UInt32.random(in: 0...(.max)))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("socket").path
    RawSocket.leaveStaleFile(path)
    #expect(FileManager.default.fileExists(atPath: path))
    let server = try net.system.listen(on: .unix(path: path), codec: LineCodec()) { Peer($0, Self.echo) }
    #expect(server.port == 0 && "\(server.endpoint)" == "unix:\(path)")
    #expect(await Self.answer(RawSocket(path: path)) == "hello\n")
    let error = #expect(throws: NetworkError.self) {
      try net.system.listen(on: .unix(path: path), codec: LineCodec()) { Peer($0, Self.echo) }
    }
    #expect(error?.description == "bind to unix:\(path): Address already in use (EADDRINUSE)")
    #expect(await Self.answer(RawSocket(path: path)) == "hello\n")
    let story = Story()
    net.system.spawn {
      Client(.unix(path: path), LineCodec()) { event, connection, _ in
        story.note(event)
        if case .connected = event { connection.write("hi") }
        if case .received = event { connection.close() }
      }
    }
    await story.closed.wait()
    #expect(story.all == ["connected", "hi", "closed: the connection was closed"])
    await server.stop()
    #expect(!FileManager.default.fileExists(atPath: path))
    // A file that is no socket stays.
    try Data([1]).write(to: URL(fileURLWithPath: path))
    #expect(throws: NetworkError.self) {
      try net.system.listen(on: .unix(path: path), codec: LineCodec()) { Peer($0, Self.echo) }
    }
    #expect(FileManager.default.fileExists(atPath: path))
    await net.end()
  }

  @Test("A server on all addresses is reached by IPv4 and IPv6")
  func dualStack() async throws {
    let net = Net()
    let server = try net.system.listen(on: .port(0), codec: LineCodec()) { Peer($0, Self.echo) }
    for host in ["127.0.0.1", "::1"] {
      let story = Story()
      net.system.spawn {
        Client(.tcp(host: host, port: server.port), LineCodec()) { event, connection, _ in
          story.note(event)
          if case .connected = event { connection.write("hi") }
          if case .received = event { connection.close() }
        }
      }
      await story.closed.wait()
      // A machine without IPv6 says so.
      let hasFamily = host == "127.0.0.1" || !story.all[0].contains("EADDRNOTAVAIL") && !story.all[0].contains("EAFNO")
      if hasFamily { #expect(story.all == ["connected", "hi", "closed: the connection was closed"]) }
    }
    await net.end()
  }

  @Test("A factory that throws closes the connection, and the server goes on")
  func factoryThrows() async throws {
    let net = Net()
    let count = Counter()
    let server = try net.system.listen(on: .loopback(0), codec: LineCodec()) { connection in
      count.add()
      if count.value == 1 { throw Oops() }
      return Peer(connection, Self.echo)
    }
    let first = RawSocket(port: server.port)
    #expect(await onThread { first.receiveAll() } == [])
    let second = RawSocket(port: server.port)
    #expect(await Self.answer(second) == "hello\n")
    await net.end(first, second)
  }

  @Test("A server belongs to the actor that started it")
  func belongsToAnActor() async throws {
    let net = Net()
    let found = Later<Server>()
    let owner = net.system.spawn { Owner(found: found) }
    let server = await found.value
    let client = RawSocket(port: server.port)
    #expect(await Self.answer(client) == "hello\n")
    net.system.stop(owner)
    _ = await owner.termination
    #expect(await onThread { client.receiveAll() } == [])
    let again = try net.system.listen(on: server.endpoint, codec: LineCodec()) { Peer($0, Self.echo) }
    #expect(again.port == server.port)
    await net.end(client)
  }

  private struct Owner: Behavior {
    let found: Later<Server>
    func started(in context: Context<Never>) throws {
      found.set(try context.listen(on: .loopback(0), codec: LineCodec()) { Peer($0, ServerTests.echo) })
    }
    func receive(_ message: consuming Never, in context: Context<Never>) {}
  }
}
