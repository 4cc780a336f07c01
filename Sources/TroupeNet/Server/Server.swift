public import Troupe

/// A running server: a handle, which may be copied and kept, and used on any thread. Dropping it stops nothing.
///
/// `Spawner.listen` starts one. The server is an actor, and each of its connections is a child of it. When the system
/// shuts down, the server stops accepting in the phase `unbind`, and its connections finish in the phase `finish`.
public struct Server: Sendable {
  let state: ServerState
  let actor: Address<ListenerMessage>
  /// Where the server can be reached, with the port that it really has.
  public let endpoint: Endpoint

  /// The port of the server; 0 for a Unix-domain socket.
  public var port: Int { endpoint.port ?? 0 }

  /// The number of connections that are open now.
  public var connectionCount: Int { state.count }

  /// Stops the server: accepts no more clients, lets each connection finish what is under way, closes it, and cuts off
  /// after the timeout what is left.
  ///
  /// A connection finishes when it has handled every frame that has come in whole, its reading is not paused, and its
  /// output is sent. The client of a WebSocket is told that the server goes away when the socket's handler has ended,
  /// and at the latest after half of the timeout, or of `ServerOptions.drainTimeout` if that is shorter. This returns
  /// when all connections are closed. A second call waits as well.
  nonisolated(nonsending) public func stop(within timeout: Duration = .seconds(5)) async {
    state.stopAccepting()
    await state.drain(within: timeout)
    actor.stopSoon()
  }
}

extension Spawner {
  /// Starts a server whose connections are actors that understand `ConnectionEvent`s.
  ///
  /// ```swift
  /// let server = try system.listen(on: .port(7000), codec: LineCodec()) { connection in Echo(connection: connection) }
  /// ```
  /// The server accepts clients when this returns. It is an actor, a child of whoever calls this, and ends with it.
  ///
  /// - Parameters:
  ///   - name: The name of the server's actor.
  ///   - endpoint: Where clients reach the server. The host must be an address and not a name. With port 0 the system
  ///     chooses one; see `Server.endpoint`. A Unix-domain socket that a server before has left behind is replaced.
  ///   - codec: Makes frames of bytes, and bytes of frames. Each connection has a copy.
  ///   - options: The settings of the server and its connections.
  ///   - connected: Makes the behavior for a connection. It runs on a worker.
  /// - Throws: A `NetworkError` if the endpoint cannot be used, above all because it is in use.
  @inlinable @discardableResult public func listen<C: Codec, B: Behavior & ~Copyable>(
    _ name: String? = nil, on endpoint: Endpoint, codec: C, options: ServerOptions = ServerOptions(),
    _ connected: @escaping @Sendable (Connection<C>) throws -> B
  ) throws(NetworkError) -> Server where B.Message == ConnectionEvent<C.Inbound> {
    try listen(name, on: endpoint, codec: codec, options: options, as: { $0 }, connected)
  }

  /// Starts a server whose connections are actors with messages of their own, of which `message` makes one of each
  /// event. See the form without it.
  @inlinable @discardableResult public func listen<C: Codec, B: Behavior & ~Copyable>(
    _ name: String? = nil, on endpoint: Endpoint, codec: C, options: ServerOptions = ServerOptions(),
    as message: @escaping @Sendable (consuming ConnectionEvent<C.Inbound>) -> B.Message,
    _ connected: @escaping @Sendable (Connection<C>) throws -> B
  ) throws(NetworkError) -> Server {
    try startServer(name, endpoint, options) { context, accepted in
      let core = accepted.core
      let connection = Connection(core, CodecBox(codec))
      let address = context.spawn(options: options.spawn) { try connected(connection) }
      connection.attach(to: address, message)
    }
  }

  /// Starts a server whose connections are actors with asynchronous handlers. See the form for `Behavior`.
  @inlinable @discardableResult public func listen<C: Codec, B: AsyncBehavior & ~Copyable>(
    _ name: String? = nil, on endpoint: Endpoint, codec: C, options: ServerOptions = ServerOptions(),
    _ connected: @escaping @Sendable (Connection<C>) throws -> B
  ) throws(NetworkError) -> Server where B.Message == ConnectionEvent<C.Inbound> {
    try listen(name, on: endpoint, codec: codec, options: options, as: { $0 }, connected)
  }

  /// Starts a server whose connections are actors with asynchronous handlers and messages of their own. See the form
  /// for `Behavior`.
  @inlinable @discardableResult public func listen<C: Codec, B: AsyncBehavior & ~Copyable>(
    _ name: String? = nil, on endpoint: Endpoint, codec: C, options: ServerOptions = ServerOptions(),
    as message: @escaping @Sendable (consuming ConnectionEvent<C.Inbound>) -> B.Message,
    _ connected: @escaping @Sendable (Connection<C>) throws -> B
  ) throws(NetworkError) -> Server {
    try startServer(name, endpoint, options) { context, accepted in
      let core = accepted.core
      let connection = Connection(core, CodecBox(codec))
      let address = context.spawn(options: options.spawn) { try connected(connection) }
      connection.attach(to: address, message)
    }
  }

  /// Starts a server that calls a closure with each frame, for connections that keep no state.
  ///
  /// ```swift
  /// let echo = try system.listen(on: .port(7), codec: LineCodec()) { line, connection in connection.write(line) }
  /// ```
  /// If the closure throws, the connection's actor fails, which closes the connection. See the form for `Behavior`.
  @inlinable @discardableResult public func listen<C: Codec>(
    _ name: String? = nil, on endpoint: Endpoint, codec: C, options: ServerOptions = ServerOptions(),
    _ handle: @escaping @Sendable (consuming C.Inbound, Connection<C>) throws -> Void
  ) throws(NetworkError) -> Server {
    try listen(name, on: endpoint, codec: codec, options: options) { FrameHandler(connection: $0, handle: handle) }
  }

  @usableFromInline func startServer(
    _ name: String?, _ endpoint: Endpoint, _ options: ServerOptions, _ start: @escaping Listener.Start
  ) throws(NetworkError) -> Server {
    let system = position(for: nil).system
    #if TLS
      // A file that cannot be read is an error here, and not one of each connection.
      if let tls = options.tls { _ = try tls.context(forServer: true, endpoint) }
    #endif
    let socket = try system.listen(on: endpoint, backlog: options.backlog)
    let state = ServerState(system, options)
    let actor = spawn(name, behavior: Listener(socket, state, start))
    state.begins { actor.send($0) }
    let acceptor = Acceptor(actor)
    let error = socket.open(acceptor)
    if error < 0 {
      actor.stopSoon()
      throw NetworkError(.register, endpoint, code: -error)
    }
    // The phases are not there if the system has been given others. The server is not kept for the shutdown.
    if system.hasShutdownPhase(.unbind) {
      system.onShutdown(.unbind, "stop accepting on \(socket.endpoint)") { [weak state] in state?.stopAccepting() }
    }
    if system.hasShutdownPhase(.finish) {
      system.onShutdown(.finish, "finish the connections of \(socket.endpoint)") { [weak state] in
        await state?.drainAtShutdown()
      }
    }
    return Server(state: state, actor: actor, endpoint: socket.endpoint)
  }
}

extension ActorSystem {
  fileprivate func listen(on endpoint: Endpoint, backlog: Int) throws(NetworkError) -> any ListeningTransport {
    if isShuttingDown { throw NetworkError(.listen, endpoint, reason: "the system has been shut down") }
    if let simulatedNetwork { return try simulatedNetwork.listen(endpoint) }
    guard let poller else {
      throw NetworkError(.open, endpoint, reason: "the system has no poller, which waits for sockets")
    }
    return try ListeningSocket(endpoint, backlog: backlog, poller)
  }
}

/// Has the server's actor accept when clients wait.
private final class Acceptor: PollerClient {
  private let actor: Address<ListenerMessage>
  init(_ actor: Address<ListenerMessage>) { self.actor = actor }
  func becameReady(_ events: UInt32) { actor.send(.accept) }
}

extension Connection {
  /// Gives the connection to an actor.
  @inlinable func attach<Message: ~Copyable>(
    to actor: Address<Message>, _ message: @escaping @Sendable (consuming ConnectionEvent<C.Inbound>) -> Message
  ) {
    let envelope = SourceEnvelope<Message>(core, box.step(core, message))
    core.attach(sendsAtOnce: actor.isAsynchronous) { actor.post(envelope) }
    actor.attach(envelope)
  }
}

/// Calls a closure with each frame of a connection.
@usableFromInline struct FrameHandler<C: Codec>: Behavior {
  @usableFromInline typealias Message = ConnectionEvent<C.Inbound>
  @usableFromInline let connection: Connection<C>
  @usableFromInline let handle: @Sendable (consuming C.Inbound, Connection<C>) throws -> Void

  @inlinable init(
    connection: Connection<C>, handle: @escaping @Sendable (consuming C.Inbound, Connection<C>) throws -> Void
  ) {
    self.connection = connection
    self.handle = handle
  }

  @inlinable mutating func receive(_ event: consuming Message, in context: Context<Message>) throws {
    if case .received(let frame) = event { try handle(frame, connection) }
  }
}
