import Troupe
import TroupeNet

struct Echo: Behavior {
  typealias Message = ConnectionEvent<[UInt8]>
  let connection: Connection<BytesCodec>
  mutating func receive(_ event: consuming Message, in context: Context<Message>) {
    if case .received(let bytes) = event { connection.write(bytes) }
  }
}

@main struct Main {
  static func main() async throws {
    let port = Int(CommandLine.arguments[1])!
    let workers = CommandLine.arguments.count > 2 ? Int(CommandLine.arguments[2]) : nil
    let system = ActorSystem("bench", options: .init(workers: workers))
    let server = try system.listen(on: .loopback(port), codec: BytesCodec()) { Echo(connection: $0) }
    print("listening on \(server.endpoint)")
    await system.run()
  }
}
