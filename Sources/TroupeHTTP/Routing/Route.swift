import Troupe

/// What answers the requests of one method to one path.
enum Route: Sendable {
  /// Runs in the turn of the connection's actor.
  case handler(@Sendable (Request) throws -> Response)
  /// Runs in a task, so that it may await.
  case task(@Sendable (Request) async throws -> Response)
  /// Runs in a task, and takes the body as a stream up to this limit.
  case stream(limit: Int, @Sendable (Request, RequestBody) async throws -> Response)
  case webSocket(WebSocketRoute)
}

/// A WebSocket's route.
struct WebSocketRoute: Sendable {
  /// The subprotocols that the server speaks, the best first.
  let protocols: [String]
  /// Throws if the request is to be refused.
  let accept: @Sendable (Request) throws -> Void
  /// Starts what handles the socket. The second closure is to be called with the actor, if it is one.
  let open: @Sendable (WebSocket, Context<ServerConnection.Message>) -> Void
}
