internal import CTroupeSockets
internal import Synchronization
internal import Troupe
internal import TroupeChannels

/// A socket of the system that accepts connections.
///
/// Sendable because the descriptor is closed in a turn of the server's actor, which is also where it is used, or by
/// `deinit`. The lock is for `open`, which whoever starts the server calls while that turn may already close it.
final class ListeningSocket: ListeningTransport, @unchecked Sendable {
  private var descriptor: Int32
  let endpoint: Endpoint
  private let poller: Poller
  private let lock = FutexLock()
  private var token: Int64 = -1
  /// The path of a Unix-domain socket, whose file is removed at the end.
  private let path: String?

  init(_ endpoint: Endpoint, backlog: Int, _ poller: Poller) throws(NetworkError) {
    self.poller = poller
    var given = endpoint
    if case .tcp("localhost", let port) = endpoint { given = .loopback(port) }
    guard var address = SocketAddress(given) else {
      throw NetworkError(
        .bind, endpoint,
        reason: "a server needs an address such as 0.0.0.0 or ::1 and a port below 65536, or a path below 108 bytes")
    }
    var descriptor = troupe_socket_stream(&address.raw)
    if Int(descriptor) == SystemError.noSuchFamily, case .tcp("::", let port) = endpoint {
      // A machine without IPv6.
      address = SocketAddress(.tcp(host: "0.0.0.0", port: port)) ?? address
      descriptor = troupe_socket_stream(&address.raw)
    }
    if descriptor < 0 { throw NetworkError(.open, endpoint, code: -descriptor) }
    if case .unix(let path) = endpoint {
      self.path = path
      Self.removeStale(path, address)
    } else {
      path = nil
      // Otherwise a server could not be started again while connections of the last one linger.
      _ = troupe_socket_set_reuse_address(descriptor)
    }
    if address.isIPv6 { _ = troupe_socket_set_ipv6_only(descriptor, false) }
    var error = troupe_socket_bind(descriptor, &address.raw)
    if error < 0 {
      _ = troupe_socket_close(descriptor)
      throw NetworkError(.bind, endpoint, code: -error)
    }
    error = troupe_socket_listen(descriptor, Int32(clamping: backlog))
    if error < 0 {
      _ = troupe_socket_close(descriptor)
      throw NetworkError(.listen, endpoint, code: -error)
    }
    var local = SocketAddress()
    _ = troupe_socket_local(descriptor, &local.raw)
    self.endpoint = local.endpoint
    self.descriptor = descriptor
  }

  deinit { close() }

  /// Removes the file of a server that has ended without doing so: one that refuses connections.
  private static func removeStale(_ path: String, _ address: SocketAddress) {
    var raw = address.raw
    let probe = troupe_socket_stream(&raw)
    guard probe >= 0 else { return }
    let isRefused = Int(troupe_socket_connect(probe, &raw)) == SystemError.refused
    _ = troupe_socket_close(probe)
    if isRefused { _ = troupe_remove_socket_file(path) }
  }

  func open(_ client: any PollerClient) -> Int32 {
    lock.withLock {
      if descriptor < 0 { return 0 }
      token = poller.add(descriptor, client)
      return token < 0 ? Int32(token) : 0
    }
  }

  func accept(_ options: ConnectionOptions) -> Acceptance {
    var address = SocketAddress()
    let accepted = troupe_socket_accept(descriptor, &address.raw)
    if accepted < 0 {
      switch Int(accepted) {
      case SystemError.wouldBlock:
        poller.want(descriptor, Signals.readable)
        return .none
      case SystemError.interrupted, SystemError.connectionAborted: return .again
      default: return .failed(NetworkError(.accept, endpoint, code: -accepted))
      }
    }
    let peer = address.endpoint
    SocketTransport.prepare(accepted, options, peer)
    return .client(SocketTransport(accepted, poller), peer)
  }

  func close() {
    lock.lock()
    defer { lock.unlock() }
    guard descriptor >= 0 else { return }
    // While it still listens: afterwards the file may be that of a server that has taken the path over.
    if let path { _ = troupe_remove_socket_file(path) }
    if token >= 0 { poller.remove(descriptor, token) }
    _ = troupe_socket_close(descriptor)
    descriptor = -1
  }
}
