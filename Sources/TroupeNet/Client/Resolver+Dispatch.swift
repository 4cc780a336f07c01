internal import CTroupeSockets
import Dispatch

/// Finds the addresses of a name. The resolver of the system may take seconds, so it runs on threads of Dispatch and
/// not on workers.
enum Resolver {
  private static let queue = DispatchQueue(label: "troupe.resolver", attributes: .concurrent)
  private static let most = 16

  /// Calls `body` with the addresses of an endpoint, at once if they need no resolver.
  static func resolve(
    _ endpoint: Endpoint, _ body: @escaping @Sendable (Result<[SocketAddress], NetworkError>) -> Void
  ) {
    if let address = SocketAddress(endpoint) { return body(.success([address])) }
    guard case .tcp(let host, let port) = endpoint, let port = UInt16(exactly: port) else {
      let reason =
        if case .unix = endpoint { "the path of a Unix-domain socket has between 1 and 107 bytes" } else {
          "a port lies between 0 and 65535"
        }
      return body(.failure(NetworkError(.resolve, endpoint, reason: reason)))
    }
    queue.async { body(ask(host, port, endpoint)) }
  }

  private static func ask(_ host: String, _ port: UInt16, _ endpoint: Endpoint) -> Result<[SocketAddress], NetworkError>
  {
    withUnsafeTemporaryAllocation(of: troupe_address.self, capacity: most) { found in
      var message: UnsafePointer<CChar>?
      let count = troupe_resolve(host, port, found.baseAddress, Int32(most), &message)
      if count < 0 {
        let reason = message.map { String(cString: $0) } ?? "the name could not be resolved"
        return .failure(NetworkError(.resolve, endpoint, reason: reason))
      }
      return .success(found[..<Int(count)].map { SocketAddress(raw: $0) })
    }
  }
}
