import Troupe
import TroupeNet

/// The actor of one connection of an HTTP server.
///
/// It handles one exchange at a time: a head, its body, the answer. A handler that does not await is called here. Any
/// other runs in a task; meanwhile reading is paused, and what the task wants of the connection comes as a message with
/// the number of the exchange, so that a task that is late cannot disturb the next exchange.
struct ServerConnection: Behavior, ~Copyable {
  enum Message: ~Copyable {
    case event(ConnectionEvent<HTTPFrame>)
    /// A handler's task has ended.
    case answered(Int, Result<Response, any Error>)
    /// The task that writes the body of an answer has ended.
    case streamed(Int, Result<Void, any Error>)
    case readBody(Int, Reply<[UInt8]?>)
    case write(Int, [UInt8], Reply<Bool>)
    case readSocket(Reply<WebSocketEvent>)
    case closeSocket(WebSocketCloseCode, String)
    case socketTaskEnded(Result<Void, any Error>)
    /// The server stops. Comes again, with true, when half of the time for that has passed.
    case goAway(isLate: Bool)
    /// Comes after the frames that were there when the socket asked for a message, the one with this number.
    case framesRead(Int)
    case timer
  }

  enum Phase {
    /// The next head is awaited.
    case idle
    /// The body is collected for a handler.
    case collecting(Route)
    /// A handler runs in a task.
    case handling
    /// The body of an answer is written by a task.
    case streaming
    /// The answer is written, and the rest of the request's body is thrown away.
    case discarding
    case webSocket
    case closing
  }

  let connection: Connection<HTTPCodec>
  let site: Site

  var phase = Phase.idle
  /// The number of the exchange.
  var exchange = 0
  var request: Request?
  var transmission = Transmission()
  var isPaused = false
  var hasInputEnded = false

  // The body of the request.
  var isBodyComing = false
  var bodyLimit = 0
  /// From Content-Length; nil if the body is chunked.
  var bodyLength: Int?
  var bodyCount = 0
  /// How many bytes had come when the answer was written.
  var countAtDiscarding = 0
  var owesContinue = false
  var reader: Reply<[UInt8]?>?

  // The body of the answer.
  var isStreamChunked = false
  var streamLeft: Int?
  var streamCount = 0

  // The WebSocket.
  var webSocket: WebSocketState?
  var socketReader: Reply<WebSocketEvent>?
  var isPingUnanswered = false
  var messageCount = 0
  /// How many messages the socket's handler has asked for.
  var askCount = 0
  /// Whether the server stops, so that the socket is closed when what is under way is finished.
  var isGoingAway = false

  /// Since when the connection has been in its phase, as far as that matters for the timer.
  var lastActive = Duration.zero
  /// What had been read or written when the timer fired last.
  var countAtTimer = 0

  init(connection: Connection<HTTPCodec>, site: Site) {
    self.connection = connection
    self.site = site
  }

  mutating func started(in context: Context<Message>) {
    lastActive = context.now
    context.timers.once(Self.timerKey, after: site.options.idleTimeout, .timer)
  }

  static var timerKey: Int { 0 }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .event(let event): handle(event, in: context)
    case .answered(let number, let result):
      guard number == exchange, case .handling = phase else { return }
      switch result {
      case .success(let response): respond(response, in: context)
      case .failure(let error): fail(error, in: context)
      }
    case .streamed(let number, let result): streamed(number, result, in: context)
    case .readBody(let number, let reply): readBody(number, reply)
    case .write(let number, let bytes, let reply): reply.send(write(number, bytes))
    case .readSocket(let reply): readSocket(reply, in: context)
    case .closeSocket(let code, let reason): closeSocket(code, reason)
    case .socketTaskEnded(.success): closeSocket(ownCode, "")
    case .socketTaskEnded(.failure(let error)):
      context.log("the handler of a WebSocket failed: \(error)")
      closeSocket(.serverError, "")
    case .goAway(let isLate): goAway(isLate, in: context)
    case .framesRead(let number): framesRead(number, in: context)
    case .timer: timerFired(in: context)
    }
  }

  /// The server's actor ends, and this one with it.
  mutating func stopping(in context: Context<Message>) { closeSocket(.goingAway, "") }

  mutating func handle(_ event: consuming ConnectionEvent<HTTPFrame>, in context: Context<Message>) {
    switch event {
    case .received(.head(let request)): begin(request, in: context)
    case .received(.body(let bytes, let isLast)): bodyCame(bytes, isLast, in: context)
    case .received(.webSocket(let frame)): webSocketCame(frame)
    case .inputEnded: inputEnded()
    case .inputFailed(let error): inputFailed(error, in: context)
    case .closed:
      endSocket()
      phase = .closing
    case .connected, .drained: break
    }
  }

  mutating func signal(_ signal: Signal, in context: Context<Message>) {
    guard case .terminated(let termination) = signal else { return }
    switch termination.reason {
    case .failed: closeSocket(.serverError, "")
    case .systemStopped: closeSocket(.goingAway, "")
    default: closeSocket(ownCode, "")
    }
  }

  // MARK: Reading

  mutating func pause() {
    if isPaused { return }
    isPaused = true
    connection.pauseReading()
  }

  mutating func resume() {
    if !isPaused { return }
    isPaused = false
    connection.resumeReading()
  }

  /// The client has ended its side. What is under way is still answered.
  mutating func inputEnded() {
    hasInputEnded = true
    switch phase {
    case .handling, .streaming:
      if let reader = reader.take() { reader.fail(ClientGone()) }
    case .webSocket:
      // Without a close frame, so the socket's end stays `abnormal`.
      webSocket?.isClosing = true
      endSocket()
      close()
    case .idle, .collecting, .discarding, .closing: connection.close()
    }
  }

  /// What came in was refused, or took too long. The client is told; afterwards the connection is closed.
  mutating func inputFailed(_ error: any Error, in context: Context<Message>) {
    if let reader = reader.take() { reader.fail(error) }
    switch phase {
    case .webSocket:
      let failure = error as? WebSocketError ?? .breach("a frame took too long")
      closeSocket(failure.code, failure.reason)
    case .idle, .collecting, .handling:
      if case .idle = phase { transmission = Transmission() }
      // A handler that still runs finds the exchange over.
      exchange += 1
      isBodyComing = false
      transmission.closes = true
      respond(Response(error as? HTTPError ?? HTTPError(.requestTimeout)), in: context)
    case .streaming: connection.abort()
    case .discarding, .closing: break
    }
  }

  // MARK: The timer

  mutating func timerFired(in context: Context<Message>) {
    let limit = site.options.idleTimeout
    let left = lastActive + limit - context.now
    if left > .zero { return context.timers.once(Self.timerKey, after: left, .timer) }
    lastActive = context.now
    let before = countAtTimer
    switch phase {
    case .closing: return
    case .idle: return close()
    case .collecting, .discarding:
      countAtTimer = bodyCount
      if bodyCount - before < Self.leastBody { return timeOut(in: context) }
    case .handling:
      countAtTimer = bodyCount
      if reader != nil && bodyCount - before < Self.leastBody { return timeOut(in: context) }
    case .streaming:
      // The part that waits has not become shorter, so the client does not read.
      countAtTimer = streamCount - connection.pendingBytes
      if connection.pendingBytes > 0 && countAtTimer == before { return connection.abort() }
    case .webSocket:
      countAtTimer = messageCount
      if socketReader != nil && messageCount == before {
        if isPingUnanswered { return connection.abort() }
        isPingUnanswered = true
        connection.write { WebSocketEncoder.ping([], into: &$0) }
      }
    }
    context.timers.once(Self.timerKey, after: limit, .timer)
  }

  /// How many bytes of a body must come while the timer runs once.
  static var leastBody: Int { 1024 }

  mutating func timeOut(in context: Context<Message>) {
    if case .discarding = phase { return close() }
    inputFailed(HTTPError(.requestTimeout), in: context)
  }

  mutating func close() {
    connection.close()
    phase = .closing
  }
}
