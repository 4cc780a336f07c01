import Troupe
import TroupeHTTP
import TroupeNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// Servers for load generators, to compare with the same in other languages.
//
//     netbench http --port N      GET / is answered with 13 bytes
//     netbench echo --port N      whatever comes is sent back
//     netbench work --port N      each byte is sent back after it has kept its handler busy for as many milliseconds
//
// It runs until Ctrl-C. Port 0 stands for a free one; the first line of the output tells it.
let arguments = CommandLine.arguments
guard arguments.count == 4, arguments[2] == "--port", let port = Int(arguments[3]), (0...65535).contains(port) else {
  fatalError("usage: netbench http|echo|work --port N")
}
let system = ActorSystem("netbench")
let server: Server
switch arguments[1] {
case "http":
  server = try system.serveHTTP(on: .loopback(port)) { routes in routes.get("/") { _ in .text("Hello, World!") } }
case "echo": server = try system.listen(on: .loopback(port), codec: BytesCodec()) { Echo(connection: $0) }
case "work": server = try system.listen(on: .loopback(port), codec: BytesCodec()) { Work(connection: $0) }
default: fatalError("usage: netbench http|echo|work --port N")
}
print("listening on \(server.endpoint)")
// What has been printed is to be seen at once, even by a program that reads it from a file or a pipe.
fflush(nil)
await system.run()

struct Echo: Behavior {
  typealias Message = ConnectionEvent<[UInt8]>
  let connection: Connection<BytesCodec>

  mutating func receive(_ event: consuming Message, in context: Context<Message>) {
    if case .received(let bytes) = event { connection.write(bytes) }
  }
}

struct Work: Behavior {
  typealias Message = ConnectionEvent<[UInt8]>
  let connection: Connection<BytesCodec>

  mutating func receive(_ event: consuming Message, in context: Context<Message>) {
    guard case .received(let bytes) = event else { return }
    for byte in bytes {
      let end = ContinuousClock.now + .milliseconds(Int(byte))
      while ContinuousClock.now < end {}
    }
    connection.write(bytes)
  }
}
