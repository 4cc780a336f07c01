import Troupe
import TroupeHTTP
import TroupeNet

/// The chat for people with a browser: the page, and the WebSocket that it opens.
enum Page {
  static func serve(
    in system: ActorSystem, on endpoint: Endpoint, lobby: Address<Lobby.Message>, limit: Int, origins: Origins
  ) throws(NetworkError) -> Server {
    var options = HTTPOptions()
    options.server.connection.outputLimit = limit
    return try system.serveHTTP("page", on: endpoint, options: options) { routes in
      routes.get("/") { _ in
        .bytes(PackageResources.index_html, type: "text/html; charset=utf-8")
      }
      let accept = { @Sendable (request: Request) throws in
        if !origins.accepts(origins: request.headers.all("origin"), host: request.headers["host"]) {
          throw HTTPError(.forbidden, "pages of other sites may not come in")
        }
      }
      routes.webSocket("/socket", accept: accept, as: message) { socket in
        let outlet = Outlet(
          show: { socket.send(PageUpdate.json($0)) }, close: { socket.close() })
        return Session(lobby: lobby, outlet: outlet)
      }
    }
  }

  @Sendable private static func message(of event: WebSocketEvent) -> Session.Message {
    switch event {
    case .text(let json): .command(PageCommand.command(json))
    case .binary: .command(.notice("The server does not understand bytes."))
    // The actor of a WebSocket is stopped by its end, and the rooms hear of that.
    case .closed: .ignored
    }
  }
}
