import Synchronization
import Testing
import Troupe
import TroupeNet
import TroupeTestKit

@testable import KeyValue

/// A client that listens to a channel and is slow to read what it was sent before.
@Suite struct KeyValueSessionTests {
  /// A session whose client has much to read when it listens to a channel, and something is published on that before
  /// the client has been told that it listens.
  private struct SlowSession: Behavior {
    typealias Message = Session.Message
    var session: Session
    let connection: Connection<CommandCodec>
    let unread: Int
    let published: [[UInt8]]

    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      let message = message
      session.receive(message, in: context)
      switch message {
      case .network(.received): connection.write([UInt8](repeating: UInt8(ascii: "."), count: unread))
      case .answered: for bytes in published { context.address.send(.published(bytes)) }
      default: break
      }
    }
  }

  /// Sends some commands, and keeps what comes back.
  private struct Subscriber: Behavior {
    typealias Message = ConnectionEvent<[UInt8]>
    let server: Endpoint
    let seen: Seen
    var connection: Connection<BytesCodec>?

    init(_ server: Endpoint, _ seen: Seen) { (self.server, self.seen) = (server, seen) }

    mutating func started(in context: Context<Message>) {
      connection = context.connect(to: server, codec: BytesCodec()) { $0 }
    }
    mutating func receive(_ event: consuming Message, in context: Context<Message>) {
      switch event {
      case .connected: connection?.write(Array("SUBSCRIBE b\r\nPING\r\n".utf8))
      case .received(let bytes): seen.state.withLock { $0.bytes += bytes }
      case .closed:
        seen.state.withLock { $0.isClosed = true }
        context.stop()
      default: break
      }
    }
  }

  private final class Seen: Sendable {
    let state = Mutex<(bytes: [UInt8], isClosed: Bool)>(([], false))
    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var isClosed: Bool { state.withLock { $0.isClosed } }
  }

  private static let unread = 1 << 20

  /// Starts the server and the client.
  private static func start(_ simulation: Simulation, published: [[UInt8]], outputLimit: Int) throws -> (Server, Seen) {
    let system = simulation.system
    // Both commands come at once.
    system.simulatedNetwork?.settings.shortReads = false
    let database = Database(in: system, shards: 2)
    let server = try system.listen(on: .port(1), codec: CommandCodec(), as: { Session.Message.network($0) }) {
      SlowSession(
        session: Session($0, database, outputLimit: outputLimit), connection: $0, unread: unread, published: published)
    }
    let seen = Seen()
    system.spawn { Subscriber(server.endpoint, seen) }
    return (server, seen)
  }

  @Test(arguments: 0..<UInt64(5))
  func `what is published comes after the answer that the client listens`(seed: UInt64) throws {
    let simulation = Simulation(seed: seed, options: .init(checksDeadLetters: false))
    let message = "*3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$5\r\nhello\r\n"
    let (_, seen) = try Self.start(simulation, published: [Array(message.utf8)], outputLimit: 64 << 20)
    let expected = "*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:1\r\n" + message + "*2\r\n$4\r\npong\r\n$0\r\n\r\n"
    try simulation.run(until: { seen.bytes.count >= Self.unread + expected.utf8.count })
    #expect(String(decoding: seen.bytes.dropFirst(Self.unread), as: UTF8.self) == expected)
    try simulation.finish()
  }

  @Test func `a client for which too much is held back is closed`() throws {
    let simulation = Simulation(seed: 1, options: .init(checksDeadLetters: false))
    let published = [[UInt8]](repeating: [UInt8](repeating: 0, count: 1 << 20), count: 4)
    let (server, seen) = try Self.start(simulation, published: published, outputLimit: 3 << 20)
    try simulation.run(until: { seen.isClosed })
    #expect(seen.bytes.count < Self.unread)
    simulation.advance(by: .seconds(10))
    #expect(server.connectionCount == 0)
    try simulation.finish()
  }
}
