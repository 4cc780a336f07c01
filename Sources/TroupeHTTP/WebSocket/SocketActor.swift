import Troupe

/// The actor of a WebSocket: the user's behavior, and what brings it the events of the socket.
struct SocketActor<Inner: Behavior & ~Copyable>: Behavior, ~Copyable {
  private var inner: Inner
  private let socket: WebSocket
  private let map: @Sendable (WebSocketEvent) -> Inner.Message

  /// Starts the actor, and has the connection told of its end.
  static func start(
    _ socket: WebSocket, in context: Context<ServerConnection.Message>,
    _ map: @escaping @Sendable (WebSocketEvent) -> Inner.Message,
    _ make: @escaping @Sendable (WebSocket) throws -> Inner
  ) {
    socket.state.hasActor = true
    // Not a child of the connection's actor, with which it would end before it could handle `closed`.
    let actor = context.system.spawn(options: SpawnOptions(supervision: .stop)) {
      SocketActor(inner: try make(socket), socket: socket, map: map)
    }
    context.watch(actor)
  }

  mutating func started(in context: Context<Inner.Message>) throws {
    let map = map
    context.consume(
      SocketEvents(socket: socket, system: context.system, actor: context.address), demand: 16
    ) { event in
      switch event {
      case .element(let event): map(event)
      // The events neither end nor fail before the actor is stopped.
      case .finished, .failed: map(.closed(.abnormal, reason: ""))
      }
    }
    try inner.started(in: context)
  }

  mutating func receive(_ message: consuming Inner.Message, in context: Context<Inner.Message>) throws {
    try inner.receive(message, in: context)
  }
  mutating func stopping(in context: Context<Inner.Message>) { inner.stopping(in: context) }
  mutating func signal(_ signal: Signal, in context: Context<Inner.Message>) throws {
    try inner.signal(signal, in: context)
  }
  static func isStale(_ message: borrowing Inner.Message) -> Bool { Inner.isStale(message) }
}

/// The events of a socket as an actor consumes them.
private struct SocketEvents<Message: ~Copyable>: AsyncSequence, Sendable {
  typealias Element = WebSocketEvent
  let socket: WebSocket
  let system: ActorSystem
  let actor: Address<Message>

  func makeAsyncIterator() -> Iterator { Iterator(events: self) }

  struct Iterator: AsyncIteratorProtocol {
    let events: SocketEvents
    var isClosed = false

    nonisolated(nonsending) mutating func next() async throws -> WebSocketEvent? {
      if isClosed {
        // The event `closed` is in the mailbox, so the actor handles it and what came before, and stops. A task that is
        // cancelled sends no message about the end of the sequence.
        events.system.stop(events.actor, .drain)
        withUnsafeCurrentTask { $0?.cancel() }
        return nil
      }
      let event = await events.socket.next()
      if case .closed = event { isClosed = true }
      return event
    }
  }
}
