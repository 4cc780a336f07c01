import Foundation
import SampleOptions
import Troupe
import TroupeNet

/// A client, and the connection to the target that is made for it. What comes from one side is written to the other.
///
/// While one side does not take what is written to it, the other side is not read. So a slow reader holds the writer at
/// the far end, and the bytes wait there instead of in the memory of this program.
struct Pair: Behavior {
  enum Message {
    case client(ConnectionEvent<[UInt8]>), target(ConnectionEvent<[UInt8]>)
  }

  let client: Connection<BytesCodec>
  let endpoint: Endpoint
  var connected: Connection<BytesCodec>?

  static let options = {
    var options = ConnectionOptions()
    // One side may end while the other still sends, as a client that asks, ends its side, and reads the answer.
    options.allowsHalfClose = true
    options.closeTimeout = .seconds(60)
    return options
  }()

  mutating func started(in context: Context<Message>) {
    // There is nowhere to write to yet.
    client.pauseReading()
    connected = context.connect(to: endpoint, codec: BytesCodec(), options: Self.options) { .target($0) }
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    guard let target = connected else { return }
    switch message {
    case .target(.connected): client.resumeReading()
    case .client(let event): handle(event, from: client, to: target, in: context)
    case .target(let event): handle(event, from: target, to: client, in: context)
    }
  }

  private func handle(
    _ event: ConnectionEvent<[UInt8]>, from near: Connection<BytesCodec>, to far: Connection<BytesCodec>,
    in context: Context<Message>
  ) {
    switch event {
    case .received(let bytes):
      far.write(bytes)
      if far.pendingBytes >= Self.options.outputMark { near.pauseReading() }
    case .drained: far.resumeReading()
    case .inputEnded, .closed(.byPeer), .closed(.byUs): far.endOutput()
    case .connected, .inputFailed, .closed(.aborted): break
    case .closed(let end):
      context.log("\(near.peer): \(end)")
      // The other side must not take a part for the whole.
      far.abort()
    }
  }
}

@main
struct Relay {
  var port = 7000
  var target = HostAndPort("127.0.0.1:8080")!

  static func main() async {
    let command = Command<Relay>(
      "Relay", "Passes TCP connections on to another server.",
      [
        .number("port", \.port, 0...65535, "listen on this port; 0: on any that is free"),
        .value("to", \.target, "HOST:PORT", "pass on to this server"),
      ])
    let options = command.parse(defaults: Relay())
    let target = Endpoint.tcp(host: options.target.host, port: options.target.port)
    let system = ActorSystem("relay")
    do {
      let server = try system.listen(
        "pairs", on: .port(options.port), codec: BytesCodec(), options: ServerOptions(connection: Pair.options),
        as: { Pair.Message.client($0) }
      ) { Pair(client: $0, endpoint: target) }
      print("port \(server.port) leads to \(target)")
      fflush(nil)
      print(await system.run())
    } catch {
      FileHandle.standardError.write(Data("Relay: \(error)\n".utf8))
      exit(1)
    }
  }
}
