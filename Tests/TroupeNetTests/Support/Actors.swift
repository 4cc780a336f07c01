import Synchronization
import TestSupport
import Troupe
import TroupeNet

/// A system on the pool that keeps what it logs.
struct Net {
  let system: ActorSystem
  let log = Trail<String>()

  init(workers: Int? = nil, supervision: Supervision = .stop) {
    let log = log
    system = ActorSystem(
      "net", options: ActorSystem.Options(workers: workers, supervision: supervision, log: { log.append($0) }))
  }

  /// Ends these sockets, and then everything: the end waits a while for clients that do not end their side.
  func end(_ sockets: RawSocket...) async {
    for socket in sockets { socket.endAll() }
    await end()
  }

  /// Stops everything. Without a deadline: one that does not come to its end is a test that does not end.
  @discardableResult func end() async -> ShutdownReport { await system.shutdown(deadline: nil) }
}

/// The actor of a server's connection that does what the test says.
struct Peer<C: Codec>: Behavior {
  typealias Message = ConnectionEvent<C.Inbound>
  typealias Body = @Sendable (consuming Message, Connection<C>, Context<Message>) throws -> Void
  let connection: Connection<C>
  let body: Body

  init(_ connection: Connection<C>, _ body: @escaping Body) { (self.connection, self.body) = (connection, body) }
  func receive(_ event: consuming Message, in context: Context<Message>) throws {
    try body(event, connection, context)
  }
}

/// An actor that connects when it starts, and then does what the test says.
struct Client<C: Codec>: Behavior {
  typealias Message = ConnectionEvent<C.Inbound>
  typealias Body = @Sendable (consuming Message, Connection<C>, Context<Message>) throws -> Void
  let endpoint: Endpoint
  let codec: C
  var options = ConnectionOptions()
  var timeout = Duration.seconds(10)
  let body: Body
  var connection: Connection<C>?

  init(
    _ endpoint: Endpoint, _ codec: C, _ options: ConnectionOptions = ConnectionOptions(),
    timeout: Duration = .seconds(10), _ body: @escaping Body
  ) {
    (self.endpoint, self.codec, self.options, self.timeout, self.body) = (endpoint, codec, options, timeout, body)
  }

  mutating func started(in context: Context<Message>) {
    connection = context.connect(to: endpoint, codec: codec, options: options, timeout: timeout) { $0 }
  }
  func receive(_ event: consuming Message, in context: Context<Message>) throws {
    if let connection { try body(event, connection, context) }
  }
}

/// What came of a connection, and its end.
final class Story: Sendable {
  let trail = Trail<String>()
  let closed = Event()

  func note<Frame>(_ event: borrowing ConnectionEvent<Frame>) {
    switch copy event {
    case .connected: trail.append("connected")
    case .received(let frame): trail.append("\(frame)")
    case .inputEnded: trail.append("inputEnded")
    case .inputFailed(let error): trail.append("inputFailed \(error)")
    case .drained: trail.append("drained")
    case .closed(let end):
      trail.append("closed: \(end)")
      closed.set()
    }
  }
  var all: [String] { trail.all }
}

/// A value that is there once.
final class Later<Value: Sendable>: @unchecked Sendable {
  private let event = Event()
  private let trail = Trail<Value>()
  func set(_ value: Value) {
    trail.append(value)
    event.set()
  }
  var value: Value {
    get async {
      await event.wait()
      return trail.all[0]
    }
  }
}

extension ActorSystem {
  /// A server of lines whose connections do what the test says.
  func lines(_ body: @escaping Peer<LineCodec>.Body) throws -> Server { try lines(ServerOptions(), Story(), body) }
  func lines(_ options: ServerOptions, _ body: @escaping Peer<LineCodec>.Body) throws -> Server {
    try lines(options, Story(), body)
  }

  /// The same, which writes down what happens.
  func lines(
    _ options: ServerOptions, _ story: Story, _ body: @escaping Peer<LineCodec>.Body
  ) throws -> Server {
    try listen(on: .loopback(0), codec: LineCodec(), options: options) { connection in
      Peer(connection) { event, connection, context in
        story.note(event)
        try body(event, connection, context)
      }
    }
  }
}
