import Troupe
import TroupeNet

extension ServerConnection {
  mutating func open(_ route: WebSocketRoute, _ request: Request, in context: Context<Message>) {
    do {
      try route.accept(request)
      let (response, chosen) = try WebSocketHandshake.answer(request, route.protocols)
      connection.write { response.encode(Transmission(), into: &$0) }
      connection.changeCodec(.webSocket(limits: site.options.limits))
      let state = WebSocketState()
      webSocket = state
      phase = .webSocket
      countAtTimer = 0
      lastActive = context.now
      // Until the first message is asked for.
      pause()
      let address = context.address
      connection.takeOverDraining { address.send(.goAway(isLate: $0)) }
      route.open(
        WebSocket(
          request: request, protocol: chosen, connection: connection, address: context.address, state: state),
        context)
    } catch {
      fail(error, in: context)
    }
  }

  mutating func webSocketCame(_ frame: WebSocketFrame) {
    guard case .webSocket = phase, let webSocket else { return }
    messageCount += 1
    isPingUnanswered = false
    switch frame {
    case .text(let text): deliver(.text(text))
    case .binary(let bytes): deliver(.binary(bytes))
    case .ping(let bytes): connection.write { WebSocketEncoder.pong(bytes, into: &$0) }
    case .pong: break
    case .close(let code, let reason):
      webSocket.end = .closed(code ?? .none, reason: reason)
      WebSocket.writeClose(code, "", to: connection, webSocket)
      endSocket()
      close()
    }
  }

  private mutating func deliver(_ event: WebSocketEvent) {
    // Frames come only while somebody waits for one.
    pause()
    if let reader = socketReader.take() { reader.send(event) }
  }

  mutating func readSocket(_ reply: consuming Reply<WebSocketEvent>, in context: Context<Message>) {
    guard case .webSocket = phase else { return reply.send(webSocket?.end ?? .closed(.abnormal, reason: "")) }
    askCount += 1
    socketReader = consume reply
    resume()
    if isGoingAway { context.address.send(.framesRead(askCount)) }
  }

  /// The code with which the socket is closed when its handler is done.
  var ownCode: WebSocketCloseCode { isGoingAway ? .goingAway : .normal }

  /// The server stops. The handler gets the messages that have come in whole, and then `closed`. When it is done the
  /// client is told that the server goes away. A handler that takes longer than half of the time for that, perhaps
  /// because it only sends and asks for no message any more, is not waited for: otherwise the client would be cut off
  /// without a word.
  mutating func goAway(_ isLate: Bool, in context: Context<Message>) {
    guard case .webSocket = phase, let webSocket else { return }
    // A handler that asks for no message would not hear of the end otherwise.
    if isLate || askCount == 0 && !webSocket.hasActor { return closeSocket(.goingAway, "") }
    isGoingAway = true
    context.address.send(.framesRead(askCount))
  }

  private static var framesReadKey: Int { 1 }

  /// If the handler still waits for the message with this number, and everything that has come in was read, then no
  /// whole message has come.
  mutating func framesRead(_ number: Int, in context: Context<Message>) {
    guard case .webSocket = phase, number == askCount, socketReader != nil else { return }
    if connection.hasUnreadInput {
      // What has come in is read in later turns: it is long, or the client does not read what it was sent. This ends at
      // the latest when the handler is waited for no longer; see `goAway`.
      return context.timers.once(Self.framesReadKey, after: .milliseconds(5), .framesRead(number))
    }
    guard let webSocket, let reader = socketReader.take() else { return }
    let end = WebSocketEvent.closed(.goingAway, reason: "")
    webSocket.end = end
    reader.send(end)
  }

  /// Closes the socket from this side. What the client still sends is thrown away.
  mutating func closeSocket(_ code: WebSocketCloseCode, _ reason: String) {
    guard case .webSocket = phase, let webSocket else { return }
    webSocket.end = .closed(code, reason: reason)
    WebSocket.writeClose(code, reason, to: connection, webSocket)
    endSocket()
    close()
  }

  /// Tells whoever waits for a message that there is none any more.
  mutating func endSocket() {
    if let webSocket, let reader = socketReader.take() { reader.send(webSocket.end) }
  }
}
