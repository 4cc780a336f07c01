import Foundation
import Troupe
import TroupeNet

// The exit code is 0 after Ctrl-C, 1 if a socket cannot be opened, and 2 for a wrong command line.

let options = Options.fromCommandLine()
let system = ActorSystem("keyvalue")
let database = Database(in: system, shards: options.shards)

var serverOptions = ServerOptions()
serverOptions.connection.outputLimit = options.outputLimit << 20
var endpoints: [Endpoint] = [.loopback(options.port)]
if !options.unixPath.isEmpty { endpoints.append(.unix(path: options.unixPath)) }

do {
  for endpoint in endpoints {
    let server = try system.listen(
      on: endpoint, codec: CommandCodec(), options: serverOptions, as: { Session.Message.network($0) }
    ) { [database, limit = serverOptions.connection.outputLimit] connection in
      Session(connection, database, outputLimit: limit)
    }
    print("KeyValue: \(options.shards) shards, listening on \(server.endpoint)")
  }
} catch {
  FileHandle.standardError.write(Data("KeyValue: \(error)\n".utf8))
  exit(1)
}
// What has been printed is to be seen at once, even by a program that reads it through a pipe.
fflush(nil)
await system.run(until: [.interrupt, .terminate])
