import Synchronization
import Testing
import Troupe
import TroupeNet
import TroupeTestKit

/// Sends numbered lines to a server that echoes them, connects again when the connection breaks, and goes on with the
/// first line that was not answered.
private struct Caller: Behavior {
  typealias Message = ConnectionEvent<String>
  struct Lost: Error {}
  let server: Endpoint
  let lines: Int
  /// What has been answered, kept outside so that a restart keeps it.
  let answers: Answers
  var connection: Connection<LineCodec>?

  final class Answers: Sendable {
    private let state = Mutex<[String]>([])
    var lines: [String] { state.withLock { $0 } }
    func append(_ line: String) { state.withLock { $0.append(line) } }
  }

  mutating func started(in context: Context<Message>) throws {
    connection = context.connect(to: server, codec: LineCodec()) { $0 }
  }

  mutating func receive(_ event: consuming Message, in context: Context<Message>) throws {
    switch event {
    case .connected: next()
    case .received(let line):
      // A line that was sent twice, because its answer was lost, is not taken twice.
      if line == "\(answers.lines.count)" { answers.append(line) }
      if answers.lines.count < lines { next() } else { connection?.close() }
    case .closed: if answers.lines.count < lines { throw Lost() }
    default: break
    }
  }

  private func next() { connection?.write("\(answers.lines.count)") }
}

@Suite("Simulated networks")
struct SimulatedNetworkTests {
  /// Runs the caller against the server, and returns the history and how often the caller was restarted.
  private static func run(seed: UInt64, loss: Double) throws -> (history: String, time: Duration) {
    let simulation = Simulation(seed: seed, options: .init(supervision: .reconnect(), allowed: [.unexpectedFailure]))
    let system = simulation.system
    let network = try #require(system.simulatedNetwork)
    network.settings.lossRate = loss
    let kept = Caller.Answers()
    let server = try system.listen("echo", on: .port(7), codec: LineCodec()) { $1.write($0) }
    system.spawn("caller", options: .init(supervision: .reconnect())) {
      Caller(server: server.endpoint, lines: 50, answers: kept)
    }
    try simulation.run(until: { kept.lines.count == 50 })
    #expect(kept.lines == (0..<50).map { "\($0)" })
    defer { #expect(throws: Never.self) { try simulation.finish() } }
    return (simulation.history.description, simulation.now)
  }

  @Test("A client and a server talk over a link, in virtual time", arguments: 0..<UInt64(10))
  func talk(seed: UInt64) throws {
    let (_, time) = try Self.run(seed: seed, loss: 0)
    // 51 round trips and more, each of at least twice the shortest latency.
    #expect(time > .milliseconds(5))
  }

  @Test("Links that break lose nothing that the client does not ask for again", arguments: 0..<UInt64(20))
  func loss(seed: UInt64) throws { _ = try Self.run(seed: seed, loss: 0.1) }

  @Test("A run with sockets is repeated exactly by its seed")
  func repeats() throws {
    let first = try Self.run(seed: 7, loss: 0.1)
    let second = try Self.run(seed: 7, loss: 0.1)
    #expect(first == second)
    #expect(try Self.run(seed: 8, loss: 0.1) != first)
  }

  @Test("A link that is cut ends both sides, and no link is left")
  func cut() throws {
    let simulation = Simulation(seed: 3, options: .init(supervision: .reconnect(), allowed: [.unexpectedFailure]))
    let system = simulation.system
    let network = try #require(system.simulatedNetwork)
    let kept = Caller.Answers()
    let server = try system.listen(on: .port(7), codec: LineCodec()) { $1.write($0) }
    system.spawn(options: .init(supervision: .reconnect())) {
      Caller(server: server.endpoint, lines: 10, answers: kept)
    }
    try simulation.run(until: { kept.lines.count == 3 })
    #expect(network.cut(server.endpoint) == 1)
    try simulation.run(until: { kept.lines.count == 10 })
    simulation.advance(by: .seconds(10))
    #expect(network.linkCount == 0)
    #expect(server.connectionCount == 0)
    try simulation.finish()
  }

  @Test("A client that connects to nobody is refused")
  func refused() throws {
    let simulation = Simulation(seed: 3)
    let ends = Ends()
    simulation.system.spawn { Prober(endpoint: .loopback(9), ends: ends) }
    try simulation.run(until: { ends.first.withLock { $0 } != nil })
    #expect(
      ends.first.withLock { $0 } == "the connection failed: connect to 127.0.0.1:9: Connection refused (ECONNREFUSED)")
    try simulation.finish()
  }

  @Test("The endpoint of a server can be used again when the server has stopped", arguments: 0..<UInt64(5))
  func usedAgain(seed: UInt64) throws {
    let simulation = Simulation(seed: seed)
    let system = simulation.system
    try simulation.run {
      for _ in 0..<3 {
        let server = try system.listen(on: .port(7), codec: LineCodec()) { $1.write($0) }
        await server.stop()
      }
    }
    try simulation.finish()
  }

  @Test("The time in which reading is paused does not count for a frame that has begun", arguments: 0..<UInt64(5))
  func pauseWithinFrame(seed: UInt64) throws {
    let simulation = Simulation(seed: seed)
    let system = simulation.system
    let events = Mutex<[String]>([])
    var options = ServerOptions()
    options.connection.frameTimeout = .milliseconds(200)
    let server = try system.listen(on: .port(7), codec: LineCodec(), options: options, as: { .network($0) }) {
      connection in
      Pausing(connection: connection) { event in events.withLock { $0.append(event) } }
    }
    system.spawn { Slow(server: server.endpoint) }
    simulation.advance(by: .milliseconds(1_250))
    #expect(events.withLock { $0 } == ["whole", "half"])
    // The third frame is late, with nothing paused.
    simulation.advance(by: .seconds(1))
    #expect(events.withLock { $0 } == ["whole", "half", "the peer took too long for a frame"])
    try simulation.finish()
  }

  @Test("A slow link holds a writer, and its output stays within the mark")
  func slow() throws {
    let simulation = Simulation(seed: 5)
    let system = simulation.system
    let network = try #require(system.simulatedNetwork)
    network.settings.bytesPerSecond = 100_000
    let counts = Counts()
    try simulation.run {
      let server = try system.listen(on: .port(7), codec: BytesCodec()) { bytes, _ in
        counts.received.withLock { $0 += bytes.count }
      }
      let sender = system.spawn { Sender(server: server.endpoint, total: 1_000_000, counts: counts) }
      _ = await sender.termination
    }
    simulation.advance(by: .seconds(60))
    #expect(counts.received.withLock { $0 } == 1_000_000)
    #expect(counts.most.withLock { $0 } <= 64 * 1024 + 10_000)
    // A second for each 100,000 bytes, apart from what fits into the window.
    #expect(simulation.now > .seconds(8))
    try simulation.finish()
  }
}

/// Pauses its connection from the 20th millisecond after the first frame on, for a second.
private struct Pausing: Behavior {
  enum Message {
    case network(ConnectionEvent<String>)
    case pause
    case resume
  }
  let connection: Connection<LineCodec>
  let note: @Sendable (String) -> Void
  func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .network(.received(let line)):
      note(line)
      if line == "whole" {
        context.timers.once("pause", after: .milliseconds(20), .pause)
        context.timers.once("resume", after: .milliseconds(1_020), .resume)
      }
    case .network(.inputFailed(let error)): note("\(error)")
    case .network: break
    case .pause: connection.pauseReading()
    case .resume: connection.resumeReading()
    }
  }
}

/// Sends a frame and a half, and a second and more later the rest and the beginning of a third.
private struct Slow: Behavior {
  enum Message {
    case network(ConnectionEvent<[UInt8]>)
    case goOn
  }
  let server: Endpoint
  var connection: Connection<BytesCodec>?
  mutating func started(in context: Context<Message>) {
    connection = context.connect(to: server, codec: BytesCodec()) { .network($0) }
    connection?.write(Array("whole\nha".utf8))
    context.timers.once("go on", after: .milliseconds(1_210), .goOn)
  }
  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    if case .goOn = message { connection?.write(Array("lf\nthi".utf8)) }
  }
}

/// Sends in portions of 10,000 bytes, as fast as the connection's output has room, and then closes.
private struct Sender: AsyncBehavior {
  typealias Message = ConnectionEvent<[UInt8]>
  let server: Endpoint
  let total: Int
  let counts: Counts
  var connection: Connection<BytesCodec>?

  nonisolated(nonsending) mutating func started(in context: Context<Message>) async {
    connection = context.connect(to: server, codec: BytesCodec()) { $0 }
  }

  nonisolated(nonsending) mutating func receive(_ event: consuming Message, in context: Context<Message>) async {
    guard let connection else { return }
    switch event {
    case .connected:
      for _ in 0..<total / 10_000 {
        let bytes = [UInt8](repeating: 1, count: 10_000)
        #expect(await connection.deliver(bytes) == .written)
        counts.most.withLock { $0 = max($0, connection.pendingBytes) }
        // The output is sent in the actor's turns.
        context.address.send(.drained)
      }
      connection.close()
    case .closed: context.stop()
    default: break
    }
  }
}

private final class Counts: Sendable {
  let most = Mutex(0)
  let received = Mutex(0)
}

private final class Ends: Sendable { let first = Mutex<String?>(nil) }

/// Tries to connect, and notes how that ended.
private struct Prober: Behavior {
  typealias Message = ConnectionEvent<String>
  let endpoint: Endpoint
  let ends: Ends
  mutating func started(in context: Context<Message>) {
    _ = context.connect(to: endpoint, codec: LineCodec()) { $0 }
  }
  mutating func receive(_ event: consuming Message, in context: Context<Message>) {
    if case .closed(let end) = event { ends.first.withLock { $0 = "\(end)" } }
  }
}
