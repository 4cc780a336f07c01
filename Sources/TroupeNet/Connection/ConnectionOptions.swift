/// The settings of a connection. The defaults suit most services.
public struct ConnectionOptions: Sendable {
  /// What happens to a frame that is written while `outputLimit` bytes wait already.
  public enum FullRule: Sendable {
    /// The connection is aborted. Use it where a peer that misses a frame cannot go on.
    case close
    /// The frame is dropped, and the writer is told so.
    case drop
  }

  // What each turn looks at comes first, so that it lies together in the cache.

  /// From so many unsent bytes on, no further frame is read until half of them are sent. So a peer that does not read
  /// its answers is not served further, and the memory for it stays small.
  public var outputMark = 64 * 1024
  /// So many unsent bytes a connection keeps at most; then `whenFull` says what happens. It bounds what handlers write
  /// without having been asked by the peer, as in a broadcast. One frame may exceed it.
  public var outputLimit = 16 * 1024 * 1024
  /// After how long without a byte in either direction the connection is closed; nil for never.
  public var idleTimeout: Duration?
  /// How long a peer may take for one frame, from its first byte; nil for as long as it likes. It guards against peers
  /// that send one byte at a time in order to hold a connection.
  public var frameTimeout: Duration?
  /// What happens to a frame that is over the limit.
  public var whenFull = FullRule.close
  /// Whether the connection stays open for output when the peer has ended its side. The actor is told by
  /// `ConnectionEvent.inputEnded`. If it is false the connection is closed then, after what was written is sent.
  public var allowsHalfClose = false
  /// Whether small writes are sent at once instead of waiting for the acknowledgement of earlier ones (`TCP_NODELAY`).
  /// What one turn writes is sent together in any case.
  public var noDelay = true
  /// After how long without traffic the system asks whether the peer is still there (`SO_KEEPALIVE`); nil for never.
  public var keepAlive: Duration?
  /// How long the peer may take for what is left when the connection is being closed: to take in the rest of the
  /// output, and to end its side. After that it is cut off.
  public var closeTimeout = Duration.seconds(5)

  #if TLS
    /// How the connection is encrypted; nil for not at all. It needs the trait `TLS` of the package.
    public var tls: TLSConfiguration?
  #endif

  /// Makes options with the default for everything.
  public init() {}

  /// Makes options with these timeouts and the default for everything else.
  public init(idleTimeout: Duration? = nil, frameTimeout: Duration? = nil) {
    self.idleTimeout = idleTimeout
    self.frameTimeout = frameTimeout
  }
}
