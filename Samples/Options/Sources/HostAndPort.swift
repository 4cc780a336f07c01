/// Where a server is: a text such as `example.com:80`, `127.0.0.1:80` or `[::1]:80`.
public struct HostAndPort: LosslessStringConvertible, Sendable, Hashable {
  /// The name or the address of the host, without brackets.
  public let host: String
  /// The port, from 1 to 65535.
  public let port: Int

  /// Reads the text. The result is nil if it has no host or no port, or if an IPv6 address has no brackets.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (1...65535).contains(port)
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    if host.isEmpty { return nil }
    self.host = String(host)
    self.port = port
  }

  /// The text that it can be read from.
  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
