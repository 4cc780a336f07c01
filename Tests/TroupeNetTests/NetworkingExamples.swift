import TestSupport
import Testing
import Troupe
import TroupeNet
import TroupeTestKit

/// The code of `Docs/Networking.md`, which is compiled and run here.
@Suite("The page about networking")
struct NetworkingExamples {
  struct Echo: Behavior {
    typealias Message = ConnectionEvent<String>
    let connection: Connection<LineCodec>
    mutating func receive(_ event: consuming Message, in context: Context<Message>) {
      if case .received(let line) = event { connection.write(line) }
    }
  }

  struct Member: Behavior {
    enum Message {
      case network(ConnectionEvent<String>)
      case tell(String)
    }
    let connection: Connection<LineCodec>
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      if case .tell(let line) = message { connection.write(line) }
    }
  }

  struct Temperatures: Codec {
    mutating func decode(_ input: inout InputBuffer) -> Int16? {
      guard let value = input.integer(as: Int16.self) else { return nil }
      input.skip(2)
      return value
    }
    func encode(_ value: consuming Int16, into output: inout OutputBuffer) { output.append(integer: value) }
  }

  struct Feed: Behavior {
    struct Lost: Error {}
    typealias Message = ConnectionEvent<String>
    let server: Endpoint
    mutating func started(in context: Context<Message>) {
      let connection = context.connect(to: server, codec: LineCodec(), timeout: .seconds(5)) { $0 }
      connection.write("subscribe")
    }
    mutating func receive(_ event: consuming Message, in context: Context<Message>) throws {
      switch event {
      case .received(let line): print(line)
      case .closed: throw Lost()
      default: break
      }
    }
  }

  struct Clock: Behavior {
    typealias Message = Datagrams.Datagram
    var socket: Datagrams?
    mutating func started(in context: Context<Message>) throws {
      socket = try context.bind(udp: .loopback(0)) { $0 }
    }
    mutating func receive(_ question: consuming Message, in context: Context<Message>) throws {
      try socket?.send(Array("\(context.now)".utf8), to: question.sender)
    }
  }

  /// Delivers what a task produces.
  static func deliver(_ parts: [String], to connection: Connection<LineCodec>) async {
    for part in parts {
      guard await connection.deliver(part).isWritten else { break }
    }
  }

  @Test("The servers and the client of the page run")
  func page() async throws {
    let system = ActorSystem("page", options: .init(log: { _ in }))
    // A port that is free; the page names one.
    let server = try system.listen(on: .port(0), codec: LineCodec()) { Echo(connection: $0) }
    #expect(server.port > 0)
    let shout = try system.listen(on: .loopback(0), codec: LineCodec()) { line, connection in
      connection.write(line.uppercased())
    }
    try system.listen(on: .loopback(0), codec: LineCodec(), as: { .network($0) }) { Member(connection: $0) }
    system.spawn("feed", options: .init(supervision: .reconnect())) { Feed(server: server.endpoint) }
    let line = try await system.spawn { Caller(server: shout.endpoint) }.ask(timeout: nil) { .call("hello", $0) }
    #expect(line == "HELLO")
    system.spawn("clock") { Clock() }
    await system.shutdown()
  }

  @Test("A codec of one's own gives the same frames wherever the stream is split")
  func codec() {
    for part in 1...6 {
      #expect(CodecTests.frames(Temperatures(), [0, 1, 0xff, 0xff, 1, 0], part: part).0 == [1, -1, 256])
    }
  }

  @Test("The simulated network takes the settings of the page")
  func simulated() throws {
    let simulation = Simulation(seed: 1)
    let network = simulation.system.simulatedNetwork!
    network.settings.latency = .milliseconds(1) ... .milliseconds(20)
    network.settings.lossRate = 0.01
    network.settings.bytesPerSecond = 100_000
    #expect(network.linkCount == 0)
  }

  @Test("The code on the page is the code of this file")
  func code() throws {
    try expectCode(
      of: "Networking.md", atLeast: 40,
      except: ["let server = try system.listen(on: .port(7000)", "print(\"listening on"])
  }
}

/// Sends one line, and answers with the line that comes back.
private struct Caller: Behavior, ~Copyable {
  enum Message: ~Copyable {
    case call(String, Reply<String>)
    case network(ConnectionEvent<String>)
  }
  let server: Endpoint
  var asker: Reply<String>?
  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .call(let line, let reply):
      asker = consume reply
      context.connect(to: server, codec: LineCodec()) { .network($0) }.write(line)
    case .network(.received(let line)): asker.take()?.send(line)
    case .network: break
    }
  }
}
