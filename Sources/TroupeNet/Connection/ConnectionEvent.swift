/// What an actor is told of a connection, as one of its messages.
public enum ConnectionEvent<Frame> {
  /// The connection is there. Only the actor that connects is told; a server's actor begins with a connection.
  case connected
  /// A frame has come. The next one is decoded only after the handler has returned.
  case received(Frame)
  /// The peer has ended its side, so no frame will follow. Only with `ConnectionOptions.allowsHalfClose`.
  case inputEnded
  /// No frame will follow, because what came in is none (`CodecError`, or what else the codec threw) or because a frame
  /// took too long (`FrameTimeout`). What the handler writes now is sent, and then the connection is closed.
  case inputFailed(any Error)
  /// After there had been `ConnectionOptions.outputMark` or more unsent bytes, half of them are sent.
  case drained
  /// The connection is closed. This is the last event.
  case closed(ConnectionEnd)
}

/// How a connection ended.
public enum ConnectionEnd: Sendable, CustomStringConvertible {
  /// The peer ended its side, and everything that was written has been sent.
  case byPeer
  /// `close` was called, or the server stopped, and everything that was written has been handed to the system.
  case byUs
  /// `abort` was called.
  case aborted
  /// Nothing was sent or received for `ConnectionOptions.idleTimeout`.
  case idle
  /// The peer did not read, and more than `ConnectionOptions.outputLimit` bytes waited.
  case outputOverflow
  /// A call of the system failed (`NetworkError`), or what came in was no frame.
  case failed(any Error)

  /// The end as one line for a log.
  public var description: String {
    switch self {
    case .byPeer: "the peer closed the connection"
    case .byUs: "the connection was closed"
    case .aborted: "the connection was aborted"
    case .idle: "the connection was idle for too long"
    case .outputOverflow: "the peer read too slowly"
    case .failed(let error): "the connection failed: \(error)"
    }
  }
}

/// A frame was not complete within `ConnectionOptions.frameTimeout`.
public struct FrameTimeout: Error, CustomStringConvertible {
  /// The error as one line for a log.
  public var description: String { "the peer took too long for a frame" }
}

/// What became of a frame that was written.
public enum WriteOutcome: Sendable, Hashable {
  /// The frame is in the output of the connection, and will be sent unless the connection fails.
  case written
  /// There were too many unsent bytes, and the frame was dropped (`ConnectionOptions.FullRule.drop`), or the connection
  /// was aborted because of that.
  case full
  /// The connection is closed, or was about to be.
  case closed
  /// There was no room before the timeout.
  case timedOut
  /// The task was cancelled before there was room.
  case cancelled

  /// Whether the frame was written.
  public var isWritten: Bool { self == .written }
}
