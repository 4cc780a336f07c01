import Troupe
import TroupeNet

extension ServerConnection {
  // MARK: The request

  mutating func begin(_ request: consuming Request, in context: Context<Message>) {
    guard case .idle = phase else { return }
    exchange &+= 1
    transmission = Transmission(
      isHead: request.method == .head, isHTTP10: request.isHTTP10, closes: !request.notes.isPersistent)
    isBodyComing = request.notes.hasBody
    if isBodyComing {
      bodyLimit = site.options.limits.body
      bodyLength = request.notes.length
      bodyCount = 0
      countAtTimer = 0
      lastActive = context.now
      owesContinue = request.notes.expectsContinue && !request.isHTTP10
    }
    if request.notes.expectsOther { return fail(HTTPError(Status(417)), in: context) }
    switch site.router.find(request) {
    case .route(let route, let parameters):
      request.parameters = parameters
      begin(request, route, in: context)
    case .notFound: fail(HTTPError(.notFound), in: context)
    case .unknownMethod: fail(HTTPError(.notImplemented), in: context)
    case .otherMethods(let methods): respond(Self.allow(methods, request), in: context)
    }
  }

  static func allow(_ methods: [Method], _ request: Request) -> Response {
    var names = methods.map(\.rawValue)
    if methods.contains(.get) && !methods.contains(.head) { names.append("HEAD") }
    if !methods.contains(.options) { names.append("OPTIONS") }
    var response = request.method == .options ? Response(.noContent) : Response(HTTPError(.methodNotAllowed))
    response["Allow"] = names.joined(separator: ", ")
    return response
  }

  private mutating func begin(_ request: consuming Request, _ route: Route, in context: Context<Message>) {
    switch route {
    case .handler, .task:
      guard isBodyComing else { return run(route, request, in: context) }
      if let length = request.notes.length, length > bodyLimit {
        return fail(HTTPError(.contentTooLarge), in: context)
      }
      sayContinue()
      if let length = request.notes.length { request.body.reserveCapacity(min(length, 64 * 1024)) }
      self.request = request
      phase = .collecting(route)
    case .stream(let limit, let handler):
      bodyLimit = limit
      if let length = request.notes.length, length > limit { return fail(HTTPError(.contentTooLarge), in: context) }
      let body = RequestBody(connection: context.address, exchange: exchange)
      let request = request
      inTask(context) { try await handler(request, body) }
    case .webSocket(let route): open(route, request, in: context)
    }
  }

  private mutating func run(_ route: Route, _ request: Request, in context: Context<Message>) {
    switch route {
    case .handler(let handler):
      do { respond(try handler(request), in: context) } catch { fail(error, in: context) }
    case .task(let handler): inTask(context) { try await handler(request) }
    case .stream, .webSocket: break
    }
  }

  private mutating func inTask(
    _ context: Context<Message>, _ handler: @escaping @Sendable () async throws -> Response
  ) {
    pause()
    phase = .handling
    let number = exchange
    context.pipe(handler, as: { .answered(number, $0) })
  }

  // MARK: The body of the request

  private mutating func sayContinue() {
    guard owesContinue else { return }
    owesContinue = false
    connection.write { $0.append(utf8: "HTTP/1.1 100 Continue\r\n\r\n") }
  }

  mutating func bodyCame(_ bytes: consuming [UInt8], _ isLast: Bool, in context: Context<Message>) {
    bodyCount += bytes.count
    // A client that sends the body although it has not been told to go on is not told any more.
    owesContinue = false
    if isLast { isBodyComing = false }
    switch phase {
    case .collecting(let route):
      if bodyCount > bodyLimit { return fail(HTTPError(.contentTooLarge), in: context) }
      request?.body += bytes
      if isLast, let request = self.request.take() {
        phase = .idle
        run(route, request, in: context)
      }
    case .handling, .streaming:
      pause()
      guard let reader = reader.take() else { return }
      if bodyCount > bodyLimit { return reader.fail(HTTPError(.contentTooLarge)) }
      reader.send(bytes.isEmpty ? nil : bytes)
    case .discarding:
      if bodyCount - countAtDiscarding > Self.mostDiscarded { return close() }
      if isLast { becomeIdle(in: context) }
    case .idle, .webSocket, .closing: break
    }
  }

  mutating func readBody(_ number: Int, _ reply: consuming Reply<[UInt8]?>) {
    switch phase {
    case .handling, .streaming:
      guard number == exchange && reader == nil else { return reply.fail(ClientGone()) }
      guard isBodyComing else { return reply.send(nil) }
      if hasInputEnded { return reply.fail(ClientGone()) }
      sayContinue()
      self.reader = consume reply
      resume()
    default: reply.fail(ClientGone())
    }
  }

  // MARK: The answer

  /// How much of a body that no handler wants is read in order to keep the connection.
  private static var mostDiscarded: Int { 64 * 1024 }

  mutating func fail(_ error: any Error, in context: Context<Message>) {
    var response: Response
    switch error {
    case let error as HTTPError:
      response = Response(error)
      // A client whose body is too long would send it in vain.
      if error.status == .contentTooLarge && isBodyComing { response.closesConnection = true }
      if error.status.code == 426 {
        response["Upgrade"] = "websocket"
        response["Sec-WebSocket-Version"] = "13"
      }
    case let error as AskError:
      context.log("a request could not be answered: \(error)")
      switch error.reason {
      case .ended, .mailboxFull: response = Response(HTTPError(.serviceUnavailable))
      case .timedOut: response = Response(HTTPError(Status(504)))
      case .dropped, .failed, .cancelled, .cycle: response = Response(HTTPError(.internalServerError))
      }
    default:
      context.log("the handler of a request failed: \(error)")
      response = Response(HTTPError(.internalServerError))
      response.closesConnection = true
    }
    respond(response, in: context)
  }

  mutating func respond(_ response: Response, in context: Context<Message>) {
    request = nil
    if isBodyComing {
      // The rest of the body would be taken for the next request, so it is read or the connection ends.
      let left = (bodyLength ?? bodyCount) - bodyCount
      if owesContinue || left > Self.mostDiscarded || hasInputEnded { transmission.closes = true }
    }
    if response.closesConnection || response.needsClose(isHTTP10: transmission.isHTTP10) { transmission.closes = true }
    let transmission = transmission
    connection.write { response.encode(transmission, into: &$0) }
    if case .stream(let length, let body) = response.body, !transmission.isHead, !response.status.hasNoBody {
      stream(length, body, in: context)
    } else {
      finish(in: context)
    }
  }

  private mutating func finish(in context: Context<Message>) {
    if let reader = reader.take() { reader.fail(ClientGone()) }
    if transmission.closes || hasInputEnded { return close() }
    if isBodyComing {
      phase = .discarding
      countAtDiscarding = bodyCount
      lastActive = context.now
      resume()
    } else {
      becomeIdle(in: context)
    }
  }

  private mutating func becomeIdle(in context: Context<Message>) {
    phase = .idle
    lastActive = context.now
    resume()
  }

  // MARK: An answer whose body is a stream

  private mutating func stream(
    _ length: Int?, _ body: @escaping @Sendable (BodyWriter) async throws -> Void, in context: Context<Message>
  ) {
    pause()
    phase = .streaming
    streamLeft = length
    streamCount = 0
    countAtTimer = 0
    lastActive = context.now
    isStreamChunked = length == nil && !transmission.isHTTP10
    let number = exchange
    let writer = BodyWriter(
      connection: context.address, output: connection, mark: site.options.server.connection.outputMark,
      exchange: number)
    context.pipe({ try await body(writer) }, as: { .streamed(number, $0) })
  }

  /// Writes a part of the body. Returns whether that was possible.
  mutating func write(_ number: Int, _ bytes: [UInt8]) -> Bool {
    guard number == exchange, case .streaming = phase else { return false }
    if let left = streamLeft {
      guard bytes.count <= left else {
        connection.abort()
        return false
      }
      streamLeft = left - bytes.count
    }
    streamCount += bytes.count
    let isChunked = isStreamChunked
    return connection.write { output in
      if isChunked { output.append(utf8: String(bytes.count, radix: 16) + "\r\n") }
      output.append(contentsOf: bytes)
      if isChunked { output.append(utf8: "\r\n") }
    }.isWritten
  }

  mutating func streamed(_ number: Int, _ result: Result<Void, any Error>, in context: Context<Message>) {
    guard number == exchange, case .streaming = phase else { return }
    if case .failure(let error) = result {
      if !(error is ClientGone) { context.log("the body of an answer failed: \(error)") }
      return connection.abort()
    }
    if let left = streamLeft, left > 0 {
      context.log("the body of an answer is \(left) bytes shorter than its length")
      return connection.abort()
    }
    if isStreamChunked { connection.write { $0.append(utf8: "0\r\n\r\n") } }
    finish(in: context)
  }
}
