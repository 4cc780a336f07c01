internal import CTroupeSockets
internal import Troupe
internal import TroupeChannels

/// The socket of a client, and the attempts to connect that come before: the name is resolved, and its addresses are
/// tried one after the other.
///
/// Sendable because it belongs to one connection, which uses it from one thread at a time. The addresses are under a
/// lock, because the resolver brings them from its own thread.
final class ClientTransport: Transport, @unchecked Sendable {
  private let endpoint: Endpoint
  private let options: ConnectionOptions
  private let poller: Poller
  private weak var client: (any PollerClient)?
  private var socket: SocketTransport?
  private var descriptor: Int32 = -1
  private var error: NetworkError?
  private let lock = FutexLock()
  private var addresses: Result<[SocketAddress], NetworkError>?

  init(_ endpoint: Endpoint, _ options: ConnectionOptions, _ poller: Poller) {
    self.endpoint = endpoint
    self.options = options
    self.poller = poller
  }

  func open(_ client: any PollerClient) -> Int32 {
    self.client = client
    Resolver.resolve(endpoint) { [weak self] result in
      guard let self else { return }
      lock.withLock { addresses = result }
      self.client?.becameReady(Signals.writable)
    }
    return 0
  }

  func connect() -> ConnectProgress {
    if let socket {
      let code = troupe_socket_error(descriptor)
      // The first thing that one hears of a new socket may be that it is not connected yet.
      if code == 0 {
        var peer = SocketAddress()
        if troupe_socket_peer(descriptor, &peer.raw) >= 0 { return .done }
        return .pending
      }
      socket.close(abort: false)
      self.socket = nil
      error = NetworkError(.connect, endpoint, code: code)
    }
    while true {
      let next: SocketAddress
      switch lock.withLock({ addresses }) {
      case nil: return .pending
      case .failure(let error): return .failed(error)
      case .success(let left):
        guard let first = left.first else {
          return .failed(error ?? NetworkError(.connect, endpoint, reason: "the name has no address"))
        }
        lock.withLock { addresses = .success(Array(left.dropFirst())) }
        next = first
      }
      if let progress = attempt(next) { return progress }
    }
  }

  /// Begins to connect to one address. Nil if that has failed at once.
  private func attempt(_ address: SocketAddress) -> ConnectProgress? {
    var raw = address.raw
    descriptor = troupe_socket_stream(&raw)
    if descriptor < 0 {
      error = NetworkError(.open, endpoint, code: -descriptor)
      return nil
    }
    let socket = SocketTransport(descriptor, poller)
    SocketTransport.prepare(descriptor, options, endpoint)
    let result = troupe_socket_connect(descriptor, &raw)
    if result < 0 && Int(result) != SystemError.inProgress {
      error = NetworkError(.connect, endpoint, code: -result)
      return nil
    }
    guard let client else { return nil }
    let opened = socket.open(client)
    if opened < 0 {
      error = NetworkError(.register, endpoint, code: -opened)
      return nil
    }
    self.socket = socket
    return result == 0 ? .done : .pending
  }

  func read(_ room: UnsafeMutableRawBufferPointer) -> Int { socket?.read(room) ?? 0 }
  func write(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int { socket?.write(pieces) ?? 0 }
  func endOutput() { socket?.endOutput() }
  func close(abort: Bool) { socket?.close(abort: abort) }
  func want(_ events: UInt32) { socket?.want(events) }
  var local: Endpoint { socket?.local ?? .unix(path: "") }
}
