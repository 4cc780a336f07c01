/// The sites whose pages may open a WebSocket here: the page's own, and those that are allowed by name.
///
/// A browser lets a page of any site open a WebSocket to this server, and would send the cookies of this one along. It
/// says whose page it is by the field `Origin`, which no page can change. A program that is no browser need not send
/// it, and may come in.
struct Origins: Sendable, Equatable, LosslessStringConvertible {
  /// Without the usual ports, which browsers do not send.
  private let others: [String]

  init() { others = [] }

  /// Sites with commas between them, as in `https://a.example,http://b.example:8080`.
  init?(_ description: String) {
    var others: [String] = []
    for origin in description.lowercased().split(separator: ",", omittingEmptySubsequences: false) {
      guard let origin = Self.normal(origin) else { return nil }
      others.append(origin)
    }
    self.others = others
  }

  var description: String { others.joined(separator: ",") }

  /// Whether a request with these fields may open a WebSocket.
  func accepts(origins: [String], host: String?) -> Bool {
    guard let origin = origins.first?.lowercased() else { return true }
    // A browser sends one.
    if origins.count > 1 { return false }
    guard let normal = Self.normal(origin) else { return false }
    if others.contains(normal) { return true }
    guard let host else { return false }
    return normal == Self.normal(origin.prefix { $0 != ":" } + "://" + host.lowercased())
  }

  /// An origin without its port if that is the usual one; nil if it is none, such as "null", which stands for a page
  /// without a site.
  private static func normal(_ origin: some StringProtocol) -> String? {
    for (scheme, port) in [("http://", ":80"), ("https://", ":443")] where origin.hasPrefix(scheme) {
      let end = origin.hasSuffix(port) ? origin.dropLast(port.count) : origin[...]
      return end.count <= scheme.count || end.dropFirst(scheme.count).contains("/") ? nil : String(end)
    }
    return nil
  }
}
