public import Troupe
public import TroupeNet

extension Spawner {
  /// Serves HTTP/1.1 on an endpoint.
  ///
  /// ```swift
  /// let server = try system.serveHTTP(on: .loopback(8080)) { routes in
  ///   routes.get("/health") { _ in .text("ok") }
  ///   routes.webSocket("/chat") { socket in ChatSocket(socket: socket) }
  /// }
  /// ```
  /// Each connection is an actor. Its requests are answered in order, and the next one is read when the answer of the
  /// last has been written. The server ends with the actor or the system that it was started from, or by
  /// `Server.stop`, which lets requests under way be answered.
  /// - Parameters:
  ///   - name: The name of the server's actor.
  ///   - endpoint: Where to listen. Port 0 stands for a free one, which `Server.endpoint` tells.
  ///   - options: Limits and timeouts.
  ///   - routes: Says what is served.
  /// - Throws: A `NetworkError` if the endpoint cannot be listened on.
  @discardableResult
  public func serveHTTP(
    _ name: String? = nil, on endpoint: Endpoint, options: HTTPOptions = HTTPOptions(),
    _ routes: (inout Routes) -> Void
  ) throws(NetworkError) -> Server {
    var collected = Routes()
    routes(&collected)
    let site = Site(router: collected.router, options: options)
    var server = options.server
    server.connection.frameTimeout = options.headTimeout
    server.connection.idleTimeout = nil
    server.connection.allowsHalfClose = true
    return try listen(
      name, on: endpoint, codec: HTTPCodec(limits: options.limits), options: server,
      as: { ServerConnection.Message.event($0) }
    ) { connection in
      ServerConnection(connection: connection, site: site)
    }
  }
}

/// What all connections of a server share.
final class Site: Sendable {
  let router: Router
  let options: HTTPOptions
  init(router: Router, options: HTTPOptions) {
    self.router = router
    self.options = options
  }
}
