internal import Troupe

/// What a server accepts clients from: a socket of the system, or an endpoint of a simulated network.
///
/// It is used by one thread at a time.
protocol ListeningTransport: AnyObject, Sendable {
  /// Where clients reach it.
  var endpoint: Endpoint { get }
  /// Begins to tell the client when somebody waits. Returns an error of the system as a negative number, or 0.
  func open(_ client: any PollerClient) -> Int32
  func accept(_ options: ConnectionOptions) -> Acceptance
  func close()
}

/// What came of an attempt to accept a client.
enum Acceptance {
  case client(any Transport, Endpoint)
  /// Nobody waits. The server is told when somebody does.
  case none
  /// One client has gone before it was accepted, so there may be another.
  case again
  case failed(NetworkError)
}
