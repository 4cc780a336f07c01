public import Troupe

extension Context where Message: ~Copyable {
  /// Connects to a server. What happens to the connection comes to this actor as messages, the first of which is
  /// `ConnectionEvent.connected`, or `closed` with the reason if the connection cannot be had.
  ///
  /// ```swift
  /// upstream = context.connect(to: .tcp(host: "db.example", port: 5432), codec: Database()) { .database($0) }
  /// ```
  /// The connection belongs to this incarnation of the actor: when that ends or is restarted, the connection is closed.
  /// So an actor that connects in `started`, throws when it is told `closed`, and has the supervision
  /// `Supervision.reconnect()`, connects again with growing pauses. What is written before the connection is there is
  /// sent then. An actor may have any number of connections.
  ///
  /// - Parameters:
  ///   - endpoint: The server. A name is resolved beside the workers, and its addresses are tried in the order in which
  ///     the resolver gives them.
  ///   - codec: Makes frames of bytes, and bytes of frames.
  ///   - options: The settings of the connection.
  ///   - timeout: How long it may take until the connection is there, in all.
  ///   - message: Makes a message of each event.
  @inlinable public func connect<C: Codec>(
    to endpoint: Endpoint, codec: C, options: ConnectionOptions = ConnectionOptions(),
    timeout: Duration = .seconds(10),
    as message: @escaping @Sendable (consuming ConnectionEvent<C.Inbound>) -> Message
  ) -> Connection<C> {
    let connection = Connection(beginConnection(to: endpoint, options, timeout), CodecBox(codec))
    let envelope = SourceEnvelope<Message>(connection.core, connection.box.step(connection.core, message))
    let address = address
    connection.core.attach(sendsAtOnce: address.isAsynchronous) { address.post(envelope) }
    attach(envelope)
    return connection
  }

  @usableFromInline func beginConnection(
    to endpoint: Endpoint, _ options: ConnectionOptions, _ timeout: Duration
  ) -> ConnectionCore {
    let system = system
    let transport: any Transport =
      if let network = system.simulatedNetwork {
        LinkTransport(endpoint, network)
      } else if let poller = system.poller {
        ClientTransport(endpoint, options, poller)
      } else {
        NoTransport(endpoint)
      }
    #if TLS
      let secured = TLSTransport.wrap(transport, endpoint, options, isServer: false)
    #else
      let secured = transport
    #endif
    return ConnectionCore(
      secured, peer: endpoint, system: system, options: options, connectTimeout: timeout, isConnecting: true,
      isActorsOwn: false
    ) { _ in }
  }
}

/// What a connection has if the system has no poller.
private final class NoTransport: Transport {
  let local: Endpoint
  init(_ endpoint: Endpoint) { local = endpoint }
  func open(_ client: any PollerClient) -> Int32 {
    client.becameReady(Signals.writable)
    return 0
  }
  func connect() -> ConnectProgress {
    .failed(NetworkError(.open, local, reason: "the system has no poller, which waits for sockets"))
  }
  func read(_ room: UnsafeMutableRawBufferPointer) -> Int { 0 }
  func write(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int { 0 }
  func endOutput() {}
  func close(abort: Bool) {}
  func want(_ events: UInt32) {}
}

extension Supervision {
  /// Restarts an actor each time that it fails, at first after `shortest`, and each time after twice as long, up to
  /// `longest`. It suits an actor that connects to a server in `started` and throws when the connection is closed. An
  /// actor that has run for long without a failure begins anew with the shortest pause.
  public static func reconnect(
    shortest: Duration = .milliseconds(100), longest: Duration = .seconds(30)
  ) -> Supervision {
    let backoff = RestartBackoff.exponential(from: shortest, to: longest)
    return Supervision { failure, history in
      let recent = history.failures.count { failure.time - $0 <= longest * 4 }
      return .restart(after: backoff.delay(after: recent, random: history.random))
    }
  }
}
