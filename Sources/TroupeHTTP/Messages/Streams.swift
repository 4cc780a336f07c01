import Troupe
import TroupeNet

/// The body of a request, part after part. It is taken from the connection by demand: while the handler does not ask,
/// nothing is read, and the client is held by TCP.
///
/// ```swift
/// routes.post("/size") { request, body in
///   var count = 0
///   for try await part in body { count += part.count }
///   return .text("\(count) bytes")
/// }
/// ```
/// It is read once, by one task. A body that the handler does not read to its end ends the connection, if much is left.
public struct RequestBody: AsyncSequence, Sendable {
  /// A part of the body, with at least one byte.
  public typealias Element = [UInt8]

  let connection: Address<ServerConnection.Message>
  let exchange: Int

  /// Goes through the parts.
  public func makeAsyncIterator() -> Iterator { Iterator(body: self) }

  /// Goes through the parts.
  public struct Iterator: AsyncIteratorProtocol {
    let body: RequestBody

    /// The next part; nil at the end. It waits for the client. It throws `HTTPError` with 413 if the body is over the
    /// limit of the route, and `ClientGone` if the connection ends before the body does.
    nonisolated(nonsending) public mutating func next() async throws -> [UInt8]? {
      do throws(AskError) {
        return try await body.connection.ask(timeout: nil) { [exchange = body.exchange] in .readBody(exchange, $0) }
      } catch {
        if case .failed(let error) = error.reason { throw error }
        throw ClientGone()
      }
    }
  }

  /// The whole body as one array. It throws `HTTPError` with 413 if there are more bytes than `limit`.
  nonisolated(nonsending) public func collect(upTo limit: Int = 1024 * 1024) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    var iterator = makeAsyncIterator()
    while let part = try await iterator.next() {
      if bytes.count + part.count > limit { throw HTTPError(.contentTooLarge) }
      bytes += part
    }
    return bytes
  }
}

/// The client has closed the connection, or has been given up, so that nothing more can be read or written.
public struct ClientGone: Error, CustomStringConvertible {
  /// The error as one line for a log.
  public var description: String { "the client has closed the connection" }
}

/// Writes the body of an answer; see `Response.stream`. It is of no use any more when the closure that it was given to
/// has returned.
public struct BodyWriter: Sendable {
  let connection: Address<ServerConnection.Message>
  let output: Connection<HTTPCodec>
  let mark: Int
  let exchange: Int

  /// Writes a part, and waits until the client has taken enough of what was written before. It throws `ClientGone` if
  /// the connection has ended.
  nonisolated(nonsending) public func write(_ bytes: [UInt8]) async throws {
    if bytes.isEmpty { return }
    if output.pendingBytes >= mark {
      guard await output.deliver([]).isWritten else { throw ClientGone() }
    }
    let exchange = exchange
    let isWritten = try? await connection.ask(timeout: nil) { .write(exchange, bytes, $0) }
    if isWritten != true { throw ClientGone() }
  }

  /// Writes a text; see `write(_:)`.
  nonisolated(nonsending) public func write(_ text: String) async throws { try await write(Array(text.utf8)) }
}

/// Writes server-sent events; see `Response.events`.
public struct EventWriter: Sendable {
  let body: BodyWriter

  /// Sends an event, and waits until the client has taken enough of what was sent before. It throws `ClientGone` if the
  /// connection has ended.
  /// - Parameters:
  ///   - data: The content, which may have several lines.
  ///   - event: The type that the page listens for; nil is `message`. It must have one line.
  ///   - id: What the page's browser tells when it connects again, as the field Last-Event-ID. It must have one line.
  nonisolated(nonsending) public func send(_ data: String, event: String? = nil, id: String? = nil) async throws {
    var bytes: [UInt8] = []
    func add(_ name: String, _ value: some Sequence<UInt8>) {
      bytes += name.utf8
      bytes += ": ".utf8
      bytes += value
      bytes.append(10)
    }
    func oneLine(_ text: String) -> some Sequence<UInt8> { text.utf8.lazy.map { $0 == 10 || $0 == 13 ? 32 : $0 } }
    if let event { add("event", oneLine(event)) }
    if let id { add("id", oneLine(id)) }
    // CR and LF together are one character.
    for line in data.split(
      omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r" || $0 == "\r\n" })
    {
      add("data", line.utf8)
    }
    bytes.append(10)
    try await body.write(bytes)
  }

  /// Sends a comment, which the page does not see. Use it now and then on a quiet stream, so that proxies keep it open.
  nonisolated(nonsending) public func comment(_ text: String = "") async throws {
    try await body.write(":\(text.utf8.contains { $0 == 10 || $0 == 13 } ? "" : " " + text)\n\n")
  }
}
