/// The sites whose pages may open a WebSocket here: the page's own, and those that are allowed by name.
///
/// A browser lets a page of any site open a WebSocket to this server, and would send the cookies of this one along. It
/// says whose page it is by the field `Origin`, which no page can change. A program that is no browser need not send
/// it, and may come in.
struct Origins: Sendable, Equatable, LosslessStringConvertible {
  private let others: [String]

  init() { others = [] }

  /// Sites with commas between them, as in `https://a.example,http://b.example:8080`.
  init?(_ description: String) {
    others = description.lowercased().split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if others.contains(where: { Self.host(of: $0) == nil }) { return nil }
  }

  var description: String { others.joined(separator: ",") }

  /// Whether a request with these fields may open a WebSocket.
  func accepts(origins: [String], host: String?) -> Bool {
    guard let origin = origins.first?.lowercased() else { return true }
    // A browser sends one.
    if origins.count > 1 { return false }
    if others.contains(origin) { return true }
    guard let host, let own = Self.host(of: origin) else { return false }
    return own == Self.host(host.lowercased(), ofScheme: origin.prefix { $0 != ":" })
  }

  /// The host of an origin, with its port if that is not the usual one; nil if it is none, such as "null", which stands
  /// for a page without a site.
  private static func host(of origin: String) -> String? {
    for scheme in ["http", "https"] where origin.hasPrefix(scheme + "://") {
      let host = origin.dropFirst(scheme.count + 3)
      return host.isEmpty || host.contains("/") ? nil : Self.host(host, ofScheme: scheme)
    }
    return nil
  }

  private static func host(_ host: some StringProtocol, ofScheme scheme: some StringProtocol) -> String {
    let port = scheme == "https" ? ":443" : ":80"
    return String(host.hasSuffix(port) ? host.dropLast(port.count) : host[...])
  }
}
