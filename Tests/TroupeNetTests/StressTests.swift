import TestSupport
import Testing
import Troupe

@testable import TroupeNet

@Suite("Connections under stress", .serialized, .timeLimit(.minutes(10)))
struct StressTests {
  @Test("Every byte comes back in order, with sizes and ends at random", arguments: [2, 8])
  func conservation(workers: Int) async throws {
    let net = Net(workers: workers)
    var options = ServerOptions()
    options.connection.outputMark = 32 * 1024
    let server = try net.system.listen(on: .loopback(0), codec: BytesCodec(), options: options) { connection in
      Peer(connection) { event, connection, _ in
        if case .received(let bytes) = event { connection.write(bytes) }
      }
    }
    let port = server.port
    let trouble = Trail<String>()
    let connections = 200
    await withTaskGroup(of: Void.self) { group in
      // So many threads at a time.
      let next = Counter()
      for _ in 0..<16 {
        group.addTask {
          await onThread {
            var random = Random(seed: UInt64(workers))
            while true {
              let number = next.next()
              if number >= connections { return }
              random = Random(seed: UInt64(number * 31 + workers))
              Self.talk(port, &random, number, trouble)
            }
          }
        }
      }
    }
    #expect(trouble.all == [])
    await until { server.connectionCount == 0 }
    await net.end()
  }

  /// One connection: a thread sends, and this one receives.
  private static func talk(_ port: Int, _ random: inout Random, _ number: Int, _ trouble: Trail<String>) {
    let socket = RawSocket(port: port, buffer: random.chance(1, in: 2) ? 8 * 1024 : 0)
    let bytes = random.bytes(1 + random.below(Scale.count(400_000)))
    var parts: [Int] = []
    var left = bytes.count
    while left > 0 {
      let part = min(left, 1 + random.below(random.chance(1, in: 3) ? 100 : 60_000))
      parts.append(part)
      left -= part
    }
    let end = random.below(4)
    let done = Event()
    let (given, sizes) = (bytes, parts)
    _ = TestThread<Void> {
      var offset = 0
      for size in sizes {
        socket.send(Array(given[offset..<offset + size]))
        offset += size
      }
      if end != 0 { socket.endOutput() }
      done.set()
    }
    switch end {
    case 0:
      // Ends when it has everything.
      if socket.receive(bytes.count) != bytes { trouble.append("\(number): other bytes came back") }
    case 1:
      // An abort in the midst of it.
      let count = random.below(bytes.count)
      if socket.receive(count) != Array(bytes.prefix(count)) { trouble.append("\(number): other bytes came back") }
      socket.abortsWhenClosed()
      socket.endAll()
    default:
      let back = socket.receiveAll()
      if back != bytes {
        trouble.append("\(number): \(back.count) of \(bytes.count) bytes came back, error \(socket.error)")
      }
    }
    done.spin()
  }
}
