public import Troupe

/// The routes of a server, which `Spawner.serveHTTP` collects before it starts.
///
/// A path such as `/books/:id/pages` has parameters, each of which matches one segment, and may end with `*name`, which
/// matches the rest. A handler that does not await runs in the turn of the connection's actor, and must not block; one
/// that awaits runs in a task on the system's workers. HEAD is answered by the route for GET. A path that exists with
/// other methods is answered with 405, and OPTIONS with the list of them. Two routes for the same method and path stop
/// the program.
public struct Routes {
  var router = Router()

  init() {}

  /// Adds a route. The handler gets the whole body, if there is one.
  ///
  /// If it throws an `HTTPError`, that is the answer. After any other error the answer is 500, the error is logged, and
  /// the connection is closed.
  public mutating func on(
    _ method: Method, _ path: String, _ handler: @escaping @Sendable (Request) throws -> Response
  ) { router.add(method, path, .handler(handler)) }

  /// Adds a route whose handler may await, for instance an answer of an actor. If the client goes away the task is
  /// cancelled.
  public mutating func on(
    _ method: Method, _ path: String,
    _ handler: @escaping @Sendable (Request) async throws -> Response
  ) { router.add(method, path, .task(handler)) }

  /// Adds a route whose handler takes the body as a stream, of at most `limit` bytes.
  public mutating func on(
    _ method: Method, _ path: String, limit: Int = 1 << 30,
    _ handler: @escaping @Sendable (Request, RequestBody) async throws -> Response
  ) { router.add(method, path, .stream(limit: limit, handler)) }

  /// Hands the requests of a route to an actor, as one of its messages with a reply.
  ///
  /// The answer is 503 if the actor has ended or its mailbox is full, 504 if it does not answer in time, and 500 if it
  /// fails or lets go of the reply.
  ///
  /// ```swift
  /// routes.on(.get, "/count", asking: counter) { request, reply in .page(request, reply) }
  /// ```
  public mutating func on<Message: ~Copyable>(
    _ method: Method, _ path: String, asking actor: Address<Message>, timeout: Duration = .seconds(5),
    _ message: @escaping @Sendable (Request, consuming Reply<Response>) -> sending Message
  ) {
    router.add(method, path, .task { request in try await actor.ask(timeout: timeout) { message(request, $0) } })
  }

  /// Adds a route for GET and HEAD; see `on`.
  public mutating func get(_ path: String, _ handler: @escaping @Sendable (Request) throws -> Response) {
    on(.get, path, handler)
  }
  /// Adds a route for GET and HEAD whose handler may await; see `on`.
  public mutating func get(_ path: String, _ handler: @escaping @Sendable (Request) async throws -> Response) {
    on(.get, path, handler)
  }
  /// Hands the requests of a route for GET and HEAD to an actor; see `on(_:_:asking:timeout:_:)`.
  public mutating func get<Message: ~Copyable>(
    _ path: String, asking actor: Address<Message>,
    _ message: @escaping @Sendable (Request, consuming Reply<Response>) -> sending Message
  ) { on(.get, path, asking: actor, message) }

  /// Adds a route for POST; see `on`.
  public mutating func post(_ path: String, _ handler: @escaping @Sendable (Request) throws -> Response) {
    on(.post, path, handler)
  }
  /// Adds a route for POST whose handler may await; see `on`.
  public mutating func post(_ path: String, _ handler: @escaping @Sendable (Request) async throws -> Response) {
    on(.post, path, handler)
  }
  /// Adds a route for POST whose handler takes the body as a stream, of at most `limit` bytes; see `on`.
  public mutating func post(
    _ path: String, limit: Int = 1 << 30,
    _ handler: @escaping @Sendable (Request, RequestBody) async throws -> Response
  ) { on(.post, path, limit: limit, handler) }
  /// Hands the requests of a route for POST to an actor; see `on(_:_:asking:timeout:_:)`.
  public mutating func post<Message: ~Copyable>(
    _ path: String, asking actor: Address<Message>,
    _ message: @escaping @Sendable (Request, consuming Reply<Response>) -> sending Message
  ) { on(.post, path, asking: actor, message) }

  // MARK: Files

  /// Answers GET and HEAD below a path with the files of a folder; `index.html` stands for its folder.
  ///
  /// A path cannot leave the folder: `..`, names that begin with a dot, and symbolic links below it are answered with
  /// 404. The answers have ETag and Last-Modified; If-None-Match, If-Modified-Since, If-Range and one Range are heeded.
  /// Files are read in the turns of the connections and in tasks on the workers, so the folder should be on a local
  /// disk.
  public mutating func files(_ path: String, in folder: String) {
    let files = StaticFiles(folder: folder)
    let base = path.hasSuffix("/") ? String(path.dropLast()) : path
    on(.get, base + "/*path") { request in try files.answer(request, request["path"]) }
  }

  // MARK: WebSockets

  /// Gives each WebSocket of a path to an actor of its own.
  ///
  /// The actor gets the client's messages as its own, by demand: while it is behind, the client is held. The last event
  /// is `closed`; afterwards the actor handles what is queued and is stopped. When the actor ends by itself the socket
  /// is closed: with 1011 if it failed, with 1001 if the server stops, and with 1000 otherwise.
  ///
  /// ```swift
  /// routes.webSocket("/chat") { socket in ChatSocket(socket: socket) }
  /// ```
  /// - Parameters:
  ///   - path: The path of the route.
  ///   - protocols: The subprotocols that the server speaks, the best first.
  ///   - accept: Throws an `HTTPError` if the request is to be refused, for instance because of its field Origin.
  ///   - socket: Makes the behavior, on a worker.
  public mutating func webSocket<B: Behavior & ~Copyable>(
    _ path: String, protocols: [String] = [], accept: @escaping @Sendable (Request) throws -> Void = { _ in },
    _ socket: @escaping @Sendable (WebSocket) throws -> B
  ) where B.Message == WebSocketEvent {
    webSocket(path, protocols: protocols, accept: accept, as: { $0 }, socket)
  }

  /// Gives each WebSocket of a path to an actor of its own, which has other messages too: `message` makes its messages
  /// of the events of the socket.
  public mutating func webSocket<B: Behavior & ~Copyable>(
    _ path: String, protocols: [String] = [], accept: @escaping @Sendable (Request) throws -> Void = { _ in },
    as message: @escaping @Sendable (WebSocketEvent) -> B.Message,
    _ socket: @escaping @Sendable (WebSocket) throws -> B
  ) {
    let route = WebSocketRoute(protocols: protocols, accept: accept) { webSocket, context in
      SocketActor<B>.start(webSocket, in: context, message, socket)
    }
    router.add(.get, path, .webSocket(route))
  }

  /// Gives each WebSocket of a path to a closure that runs in a task. The socket is closed when the closure returns:
  /// with 1011 if it throws, with 1001 if the server stops, and with 1000 otherwise.
  ///
  /// ```swift
  /// routes.webSocket("/echo") { socket in
  ///   for try await message in socket.messages { await socket.deliver(message) }
  /// }
  /// ```
  public mutating func webSocket(
    _ path: String, protocols: [String] = [], accept: @escaping @Sendable (Request) throws -> Void = { _ in },
    _ body: @escaping @Sendable (WebSocket) async throws -> Void
  ) {
    let route = WebSocketRoute(protocols: protocols, accept: accept) { webSocket, context in
      context.pipe({ try await body(webSocket) }, as: ServerConnection.Message.socketTaskEnded)
    }
    router.add(.get, path, .webSocket(route))
  }
}
