public import Troupe

/// The settings of a server. The defaults suit most services.
public struct ServerOptions: Sendable {
  /// The settings of its connections.
  public var connection = ConnectionOptions()
  /// How many connections there may be at a time. Further clients wait in the backlog of the system until one of them
  /// is closed.
  public var maximumConnections = 100_000
  /// How many clients may wait to be accepted; the system may allow fewer.
  public var backlog = 1024
  /// How the actors of the connections are spawned. Unless it says otherwise they stop when they fail, which closes the
  /// connection; an actor that is restarted keeps it.
  public var spawn = SpawnOptions(supervision: .stop)
  /// How long the connections have, when the system shuts down, to finish what is under way. If the phase `finish` or
  /// the whole shutdown may take less, they have only that. A WebSocket whose handler has not ended after half of this
  /// time is closed then, also in a longer stop by `Server.stop`; in a shorter one, after half of that.
  public var drainTimeout = Duration.seconds(5)

  #if TLS
    /// How the connections are encrypted; nil for not at all. It is `connection.tls`, and needs the trait `TLS` of the
    /// package.
    public var tls: TLSConfiguration? {
      get { connection.tls }
      set { connection.tls = newValue }
    }
  #endif

  /// Makes options with the default for everything but the connections.
  public init(connection: ConnectionOptions = ConnectionOptions()) { self.connection = connection }
}
