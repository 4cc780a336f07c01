/// How much a client may send.
public struct HTTPLimits: Sendable {
  /// The longest request line in bytes; above it the answer is 414.
  public var requestLine = 8 * 1024
  /// The most bytes of all fields of a head together, and the longest trailer section; above it the answer is 431.
  public var headers = 32 * 1024
  /// The most fields of a head; above it the answer is 431.
  public var headerCount = 100
  /// The longest body in bytes that is collected for a handler; above it the answer is 413. A route whose handler takes
  /// the body as a stream has a limit of its own.
  public var body = 1024 * 1024
  /// The longest message of a WebSocket in bytes, all its fragments together; above it the socket is closed with 1009.
  public var webSocketMessage = 1024 * 1024

  /// The defaults.
  public init() {}
}
