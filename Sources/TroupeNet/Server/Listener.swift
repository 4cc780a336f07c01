internal import Synchronization
public import Troupe

/// What a server's own actor is told.
@usableFromInline enum ListenerMessage: Sendable {
  /// Clients may wait to be accepted.
  case accept
  /// No more clients are to be accepted.
  case stop
}

/// The actor of a server. It accepts clients, and spawns an actor for each connection as its child.
@usableFromInline struct Listener: Behavior {
  @usableFromInline typealias Message = ListenerMessage
  /// Spawns the actor of a connection.
  @usableFromInline typealias Start = @Sendable (Context<ListenerMessage>, any AcceptedConnection) -> Void

  private let socket: any ListeningTransport
  private let state: ServerState
  private let start: Start
  private var isStopped = false
  /// Whether accepting has failed since it last succeeded, so that a series of failures is one line in the log.
  private var hasFailed = false

  init(_ socket: any ListeningTransport, _ state: ServerState, _ start: @escaping Start) {
    self.socket = socket
    self.state = state
    self.start = start
  }

  @usableFromInline mutating func receive(_ message: consuming ListenerMessage, in context: Context<ListenerMessage>) {
    switch message {
    case .stop:
      isStopped = true
      close()
    case .accept: accept(context)
    }
  }

  @usableFromInline mutating func stopping(in context: Context<ListenerMessage>) { close() }

  private func close() {
    socket.close()
    state.socketIsClosed()
  }

  /// How many clients are accepted before others have their turn.
  private static let atOnce = 64

  private mutating func accept(_ context: Context<ListenerMessage>) {
    if isStopped { return }
    for _ in 0..<Self.atOnce {
      // When a connection is closed and this was the reason, the server is told to accept again.
      if state.isFull { return }
      switch socket.accept(state.options.connection) {
      case .client(let transport, let peer):
        hasFailed = false
        begin(transport, peer, context)
      case .none: return
      case .again: continue
      case .failed(let error):
        // Most likely the process or the system has no descriptor left. The clients wait in the backlog meanwhile.
        if !hasFailed { context.log("\(error); the server tries again every 100 milliseconds") }
        hasFailed = true
        return context.timers.once(Self.retry, after: .milliseconds(100), .accept)
      }
    }
    context.address.send(.accept)
  }

  private static let retry = "accept"

  private func begin(_ transport: any Transport, _ peer: Endpoint, _ context: Context<ListenerMessage>) {
    #if TLS
      let transport = TLSTransport.wrap(transport, peer, state.options.connection, isServer: true)
    #endif
    let core = ConnectionCore(
      transport, peer: peer, system: state.system, options: state.options.connection, isConnecting: false,
      isActorsOwn: true
    ) { [state] core in state.remove(core) }
    state.add(core)
    start(context, core)
  }
}

/// A connection that was accepted and has no actor yet. It is a `ConnectionCore`; the protocol keeps that out of the
/// face of the module.
@usableFromInline protocol AcceptedConnection: AnyObject, Sendable {
  var core: ConnectionCore { get }
}
extension ConnectionCore: AcceptedConnection {
  @usableFromInline var core: ConnectionCore { self }
}
