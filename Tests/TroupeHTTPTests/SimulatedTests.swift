import Foundation
import Synchronization
import Testing
import Troupe
import TroupeHTTP
import TroupeNet
import TroupeTestKit

/// The server and its clients in one simulation, over links that give any part of what has arrived.
@Suite("The HTTP server in a simulation")
struct SimulatedTests {
  /// Sends a stream in two pieces, the second one later, and keeps what comes back.
  private struct Client: Behavior {
    enum Message {
      case network(ConnectionEvent<[UInt8]>)
      case second
    }
    let server: Endpoint
    let stream: [UInt8]
    let split: Int
    let done: @Sendable (String) -> Void
    var connection: Connection<BytesCodec>?
    var answer: [UInt8] = []

    init(_ server: Endpoint, _ stream: [UInt8], _ split: Int, _ done: @escaping @Sendable (String) -> Void) {
      (self.server, self.stream, self.split, self.done) = (server, stream, split, done)
    }

    mutating func started(in context: Context<Message>) {
      connection = context.connect(to: server, codec: BytesCodec()) { .network($0) }
    }
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch message {
      case .network(.connected):
        connection?.write(Array(stream[..<split]))
        context.timers.once("second", after: .milliseconds(5), .second)
      case .second: connection?.write(Array(stream[split...]))
      case .network(.received(let bytes)): answer += bytes
      case .network(.closed):
        done(String(decoding: answer, as: UTF8.self))
        context.stop()
      case .network: break
      }
    }
  }

  private static func routes(_ routes: inout Routes) {
    routes.get("/") { _ in .text("hello") }
    routes.get("/slow") { _ async in .text("slow") }
    routes.post("/echo") { request in .bytes(request.body) }
    routes.post("/size") { _, body in
      var count = 0
      for try await part in body { count += part.count }
      return .text("\(count)")
    }
    routes.get("/lines") { _ in
      .stream { body in for index in 0..<3 { try await body.write("line \(index)\n") } }
    }
    routes.webSocket("/socket") { socket in for try await message in socket.messages { await socket.deliver(message) } }
  }

  /// Opens a gate later on, or when it is stopped.
  private struct Opener: Behavior {
    let gate: Gate
    var delay = Duration.seconds(1)
    func started(in context: Context<Int>) { context.timers.once("open", after: delay, 0) }
    func receive(_ message: consuming Int, in context: Context<Int>) { context.stop() }
    func stopping(in context: Context<Int>) { gate.open() }
  }

  @Test("A long message that has come in is handled before a stop of the server", arguments: 0..<UInt64(5))
  func longMessage(seed: UInt64) throws {
    let simulation = Simulation(seed: seed)
    let system = simulation.system
    let network = try #require(system.simulatedNetwork)
    // All of the message has arrived before the handler asks for it, and the server reads it in several turns.
    network.settings.window = 4 << 20
    network.settings.shortReads = false
    let lengths = Mutex<[Int]>([])
    let gate = Gate()
    let server = try system.serveHTTP(on: .port(80)) { routes in
      routes.webSocket("/socket") { socket in
        for try await message in socket.messages {
          guard case .binary(let bytes) = message else { continue }
          lengths.withLock { $0.append(bytes.count) }
          await gate.wait()
        }
      }
    }
    let stream =
      Array((WebSocketTests.handshake + "\r\n").utf8) + WebSocketCodecTests.frame(0x82, [1])
      + WebSocketCodecTests.frame(0x82, [UInt8](repeating: 2, count: 1_000_000))
    let answer = Mutex<String?>(nil)
    system.spawn {
      Client(server.endpoint, stream, stream.count) { text in answer.withLock { $0 = text } }
    }
    try simulation.run(until: { lengths.withLock { $0.count } == 1 })
    simulation.advance(by: .seconds(1))
    system.spawn { Opener(gate: gate) }
    try simulation.run { await server.stop(within: .seconds(60)) }
    #expect(lengths.withLock { $0 } == [1, 1_000_000])
    try simulation.run(until: { answer.withLock { $0 != nil } })
    try simulation.finish()
  }

  /// What ends a server.
  enum Stop: Sendable, CaseIterable { case server, shutdown, phase }

  @Test("The client of a busy WebSocket is told before the time of a stop is over", arguments: Stop.allCases)
  func busySocket(stop: Stop) throws {
    let simulation = Simulation(seed: 1)
    let system = simulation.system
    let gate = Gate()
    let isBusy = Atomic<Bool>(false)
    var options = HTTPOptions()
    options.server.drainTimeout = .seconds(600)
    let server = try system.serveHTTP(on: .port(80), options: options) { routes in
      routes.webSocket("/socket") { socket in
        for try await _ in socket.messages {
          isBusy.store(true, ordering: .relaxed)
          await gate.wait()
        }
      }
    }
    let stream = Array((WebSocketTests.handshake + "\r\n").utf8) + WebSocketTests.frame(0x81, "work")
    let answer = Mutex<(text: String, time: Duration)?>(nil)
    system.spawn {
      Client(server.endpoint, stream, stream.count) { text in answer.withLock { $0 = (text, simulation.now) } }
    }
    system.spawn { Opener(gate: gate, delay: .seconds(1_000)) }
    try simulation.run(until: { isBusy.load(ordering: .relaxed) })
    let began = simulation.now
    try simulation.run {
      switch stop {
      case .server: await server.stop(within: .seconds(2))
      case .shutdown: await system.shutdown(deadline: .seconds(2))
      // The phase `finish` has ten seconds.
      case .phase: await system.shutdown(deadline: nil)
      }
    }
    let (text, time) = try #require(answer.withLock { $0 })
    #expect(text.hasSuffix(String(decoding: [0x88, 2, 0x03, 0xe9], as: UTF8.self)))
    let half = Duration.seconds(stop == .phase ? 5 : 1)
    #expect(time - began >= half && time - began < half + .milliseconds(500))
    try simulation.finish()
  }

  /// Streams that end the connection, and the status of each of their answers.
  private static let cases: [(stream: [UInt8], statuses: [Int])] = [
    (
      Array(
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
          + "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345"
          + "POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "4\r\nabcd\r\n3;x=y\r\nefg\r\n0\r\nT: u\r\n\r\n"
          + "\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + "GET /none?a=b HTTP/1.1\r\nHost: a\r\n\r\n"
          + "GET /lines HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").utf8), [200, 200, 200, 200, 200, 404, 200]
    ),
    (Array("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n".utf8), [200, 400]),
    (Array("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n".utf8), [400]),
    (Array("GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n".utf8), [400]),
    (
      Array((WebSocketTests.handshake + "\r\n").utf8)
        + WebSocketTests.frame(0x01, "hel") + WebSocketTests.frame(0x89, "x") + WebSocketTests.frame(0x80, "lo")
        + WebSocketCodecTests.frame(0x88, [0x0f, 0xa0]), [101]
    ),
  ]

  /// An answer without what depends on the hour.
  private static func withoutDates(_ answer: String) -> String {
    answer.split(separator: "\r\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("Date: ") }
      .joined(separator: "\r\n")
  }

  @Test("Requests that are split at any byte are answered alike", arguments: 0..<UInt64(5))
  func splits(seed: UInt64) throws {
    for (number, (stream, statuses)) in Self.cases.enumerated() {
      let simulation = Simulation(seed: seed)
      let system = simulation.system
      let network = try #require(system.simulatedNetwork)
      network.settings.latency = .microseconds(50) ... .milliseconds(20)
      let server = try system.serveHTTP(on: .port(80), Self.routes)
      let answers = Mutex<[Int: String]>([:])
      for split in 0...stream.count {
        system.spawn {
          Client(server.endpoint, stream, split) { answer in
            answers.withLock { $0[split] = Self.withoutDates(answer) }
          }
        }
      }
      try simulation.run(until: { answers.withLock { $0.count } == stream.count + 1 })
      let all = answers.withLock { $0 }
      let whole = try #require(all[0])
      let found = whole.split(separator: "HTTP/1.1 ").compactMap { Int($0.prefix(3)) }
      #expect(found == statuses, "case \(number): \(whole)")
      for split in 1...stream.count {
        #expect(all[split] == whole, "case \(number), split at \(split)")
      }
      simulation.advance(by: .seconds(10))
      #expect(network.linkCount == 0 && server.connectionCount == 0)
      try simulation.finish()
    }
  }
}
