internal import Synchronization
import Troupe
import TroupeNet

/// A message of a WebSocket.
public enum WebSocketMessage: Sendable, Hashable {
  /// A text, which is known to be UTF-8.
  case text(String)
  /// Bytes.
  case binary([UInt8])
}

/// What the actor of a WebSocket is told.
public enum WebSocketEvent: Sendable, Hashable {
  /// The client has sent a text.
  case text(String)
  /// The client has sent bytes.
  case binary([UInt8])
  /// The socket is closed. This is the last event. The code is that of the side that closed first; `none` if it gave
  /// none, and `abnormal` if the connection ended without being closed.
  case closed(WebSocketCloseCode, reason: String)
}

/// A WebSocket (RFC 6455) on the side of the server: a handle that may be copied, kept by several actors, and used on
/// any thread.
///
/// Fragments are put together, pings are answered, and texts are checked before anybody sees them. Extensions such as
/// compression are not spoken.
public struct WebSocket: Sendable {
  /// The request that the socket began with.
  public let request: Request
  /// The subprotocol that was chosen; nil for none.
  public let `protocol`: String?

  let connection: Connection<HTTPCodec>
  let address: Address<ServerConnection.Message>
  let state: WebSocketState

  /// Sends a text, and never waits. If the client reads too slowly, messages are kept up to
  /// `ConnectionOptions.outputLimit`, and then the socket is cut off; use `deliver` to wait instead. Returns whether
  /// the message is on its way.
  @discardableResult public func send(_ text: String) -> Bool {
    write { WebSocketEncoder.text(text, into: &$0) }
  }

  /// Sends bytes; see the form for a text.
  @discardableResult public func send(_ bytes: [UInt8]) -> Bool {
    write { WebSocketEncoder.binary(bytes, into: &$0) }
  }

  /// Writes a message, unless a close frame was written before it.
  private func write(_ encode: (inout OutputBuffer) -> Void) -> Bool {
    // Only so that a client with much to read yet is not cut off for a message that is not sent anyway.
    if state.isClosing { return false }
    var isSent = false
    let outcome = connection.write { output in
      // This is asked under the lock of the connection's output, under which `writeClose` notes it together with its
      // frame.
      if state.isClosing { return }
      encode(&output)
      isSent = true
    }
    return isSent && outcome.isWritten
  }

  /// Writes the close frame, after which no message is sent.
  static func writeClose(
    _ code: WebSocketCloseCode?, _ reason: String, to connection: Connection<HTTPCodec>, _ state: WebSocketState
  ) {
    connection.write { output in
      state.isClosing = true
      WebSocketEncoder.close(code, reason, into: &output)
    }
    // If the frame was refused, because too much waits to be sent, no message is to follow either.
    state.isClosing = true
  }

  /// Sends a message as soon as the client has taken enough of what was sent before, and suspends the task until then.
  /// Returns whether the message is on its way; it is not if the socket is closed or the task is cancelled.
  @discardableResult
  nonisolated(nonsending) public func deliver(_ message: WebSocketMessage) async -> Bool {
    guard await connection.deliver([]).isWritten else { return false }
    switch message {
    case .text(let text): return send(text)
    case .binary(let bytes): return send(bytes)
    }
  }

  /// Closes the socket after what was sent. The client has a few seconds to agree. A code that must not be sent is left
  /// out, and a long reason is cut.
  public func close(_ code: WebSocketCloseCode = .normal, reason: String = "") {
    address.send(.closeSocket(code, reason))
  }

  /// The messages of the client, by demand: while nobody asks for the next one, the client is held. The sequence ends
  /// when the socket is closed. One task at a time may iterate it; it is for the closure form of
  /// `Routes.webSocket`, since an actor gets the messages as its own.
  public var messages: Messages { Messages(socket: self) }

  /// The messages of a socket.
  public struct Messages: AsyncSequence, Sendable {
    /// A message of the client.
    public typealias Element = WebSocketMessage
    let socket: WebSocket

    /// Goes through the messages.
    public func makeAsyncIterator() -> Iterator { Iterator(socket: socket) }

    /// Goes through the messages.
    public struct Iterator: AsyncIteratorProtocol {
      let socket: WebSocket
      /// The next message; nil when the socket is closed.
      nonisolated(nonsending) public mutating func next() async throws -> WebSocketMessage? {
        switch await socket.next() {
        case .text(let text): .text(text)
        case .binary(let bytes): .binary(bytes)
        case .closed: nil
        }
      }
    }
  }

  /// The next event, which is `closed` from the first time on.
  nonisolated(nonsending) func next() async -> WebSocketEvent {
    do throws(AskError) {
      return try await address.ask(timeout: nil) { .readSocket($0) }
    } catch {
      // The connection has ended, and has left the reason here.
      return state.end
    }
  }
}

/// What the handles of a socket and its connection share.
final class WebSocketState: Sendable {
  private let closing = Atomic<Bool>(false)
  private let closed = Mutex<WebSocketEvent>(.closed(.abnormal, reason: ""))
  private let isForActor = Atomic<Bool>(false)

  /// Whether an actor handles the socket, which asks for messages by itself.
  var hasActor: Bool {
    get { isForActor.load(ordering: .relaxed) }
    set { isForActor.store(newValue, ordering: .relaxed) }
  }

  /// Whether a close frame was written, after which no message may be. It is set under the lock of the connection's
  /// output, together with the frame.
  var isClosing: Bool {
    get { closing.load(ordering: .relaxed) }
    set { closing.store(newValue, ordering: .relaxed) }
  }

  /// The last event.
  var end: WebSocketEvent {
    get { closed.withLock { $0 } }
    set { closed.withLock { $0 = newValue } }
  }
}
