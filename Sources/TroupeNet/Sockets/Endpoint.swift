internal import CTroupeSockets

/// Where a service can be reached: a host and a port, or the path of a Unix-domain socket.
public enum Endpoint: Sendable, Hashable {
  /// A host and a port of TCP or UDP. The host is a name, or an address of IPv4 or IPv6 such as `127.0.0.1`, `::1` or
  /// `fe80::1%eth0`. A peer by IPv4 has an address of IPv4, also where a socket of IPv6 has heard of it. A server
  /// whose port is 0 gets a free one.
  case tcp(host: String, port: Int)
  /// The path of a Unix-domain socket.
  case unix(path: String)

  /// All addresses of this machine, of IPv4 and IPv6, with this port.
  public static func port(_ port: Int) -> Endpoint { .tcp(host: "::", port: port) }
  /// This machine only, by IPv4, with this port.
  public static func loopback(_ port: Int) -> Endpoint { .tcp(host: "127.0.0.1", port: port) }

  /// The port; nil for a Unix-domain socket.
  public var port: Int? { if case .tcp(_, let port) = self { port } else { nil } }
}

extension Endpoint: CustomStringConvertible {
  /// The endpoint as it is usually written, such as `127.0.0.1:80`, `[::1]:80` or `unix:/run/service`.
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): path.isEmpty ? "unix" : "unix:\(path)"
    }
  }
}

/// The address of a socket in the form of the system.
struct SocketAddress: Sendable {
  var raw = troupe_address()

  init() {}

  /// The address of an endpoint that needs no resolver: a path, or a number. Nil if it is a name.
  init?(_ endpoint: Endpoint) {
    switch endpoint {
    case .unix(let path): guard troupe_address_of_path(path, &raw) else { return nil }
    case .tcp(let host, let port):
      guard let port = UInt16(exactly: port), troupe_address_of_number(host, port, &raw) else { return nil }
    }
  }

  init(raw: troupe_address) { self.raw = raw }

  var endpoint: Endpoint {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 160) { text in
      let port = withUnsafePointer(to: raw) { troupe_address_text($0, text.baseAddress, text.count) }
      let name = String(cString: UnsafePointer(text.baseAddress!))
      return port < 0 ? .unix(path: name) : .tcp(host: name, port: Int(port))
    }
  }

  var isIPv6: Bool { withUnsafePointer(to: raw) { troupe_address_is_ipv6($0) } }
}
