public import TroupeNet

/// The settings of an HTTP server. The defaults suit a service's own pages on a network that is not trusted.
public struct HTTPOptions: Sendable {
  /// How much a client may send.
  public var limits = HTTPLimits()
  /// How long a client may take for a head, from its first byte; then the answer is 408.
  public var headTimeout = Duration.seconds(10)
  /// How long a connection may be idle between two requests, before it is closed. A client that sends less than 1 KiB
  /// of a body in this time, although more is wanted, is answered with 408. After this time without a message a
  /// WebSocket is sent a ping, and it is cut off after as long again without an answer.
  public var idleTimeout = Duration.seconds(60)
  /// How many connections there may be, and the settings of each. `frameTimeout`, `idleTimeout` and `allowsHalfClose`
  /// are set by this server.
  public var server = ServerOptions()

  /// The defaults.
  public init() {}
}
