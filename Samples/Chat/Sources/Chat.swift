import Foundation
import SampleOptions
import Troupe
import TroupeNet

@main
struct Chat {
  var port = 8080
  var lines = 7777
  /// How many bytes a client may be behind, in KiB.
  var limit = 1024
  /// The other sites whose pages may come in.
  var origins = Origins()

  static func main() async {
    let command = SampleOptions.Command<Chat>(
      "Chat", "Has rooms to talk in, on a web page and for terminals.",
      [
        .number("port", \.port, 0...65535, "the port of the page; 0: any that is free"),
        .number("lines", \.lines, 0...65535, "the port for terminals; 0: any that is free"),
        .number("limit", \.limit, 1...1_000_000, "cut off who has so many KiB to read"),
        .value("origins", \.origins, "URL,…", "pages of these sites may come in too"),
      ])
    let options = command.parse(defaults: Chat())
    let system = ActorSystem("chat")
    let lobby = system.spawn("lobby") { Lobby(clock: { Int(Date().timeIntervalSince1970 * 1000) }) }
    do {
      let limit = options.limit * 1024
      let page = try Page.serve(
        in: system, on: .port(options.port), lobby: lobby, limit: limit, origins: options.origins)
      let lines = try Lines.listen(in: system, on: .port(options.lines), lobby: lobby, limit: limit)
      print("page: http://localhost:\(page.port)/")
      print("lines: localhost:\(lines.port)")
      fflush(nil)
      print(await system.run())
    } catch {
      FileHandle.standardError.write(Data("Chat: \(error)\n".utf8))
      exit(1)
    }
  }
}
