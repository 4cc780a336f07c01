internal import CTroupeSockets

/// A call for a socket that the system refused, an endpoint that cannot be used, or TLS that cannot be had.
public struct NetworkError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was to be done.
  public enum Operation: String, Sendable {
    /// To find the addresses of a name.
    case resolve
    /// To make a socket.
    case open
    /// To give a socket its own address.
    case bind
    /// To have clients wait for a server.
    case listen
    /// To take a client that waits.
    case accept
    /// To reach a server.
    case connect
    /// To read from a peer.
    case read
    /// To write to a peer, or to send a datagram.
    case write
    /// To have the poller tell of a socket.
    case register
    /// To agree on TLS with the peer, or to read the files that are needed for it.
    case secure
  }
  /// What was to be done.
  public let operation: Operation
  /// The endpoint for which: the peer, or the server's own.
  public let endpoint: Endpoint
  /// The number of the system's error; 0 if it is none of the system's.
  public let code: Int32
  /// The reason in words.
  public let reason: String

  init(_ operation: Operation, _ endpoint: Endpoint, code: Int32) {
    self.operation = operation
    self.endpoint = endpoint
    self.code = code
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
      troupe_error_text(code, text.baseAddress, text.count)
      return String(cString: UnsafePointer(text.baseAddress!))
    }
    let name = troupe_error_name(code).map { String(cString: $0) } ?? "errno \(code)"
    reason = "\(text) (\(name))"
  }

  init(_ operation: Operation, _ endpoint: Endpoint, reason: String) {
    self.operation = operation
    self.endpoint = endpoint
    self.reason = reason
    code = 0
  }

  /// The error as one line for a log, such as `connect to 127.0.0.1:80: Connection refused (ECONNREFUSED)`.
  public var description: String {
    let call =
      switch operation {
      case .resolve: "resolve"
      case .open: "open a socket for"
      case .bind: "bind to"
      case .listen: "listen on"
      case .accept: "accept a connection on"
      case .connect: "connect to"
      case .read: "read from"
      case .write: "write to"
      case .register: "wait for"
      case .secure: "agree on TLS with"
      }
    return "\(call) \(endpoint): \(reason)"
  }
}
