/// A request, as a handler gets it.
///
/// It is a value and may be sent to other actors. Its parts are read from the bytes that came in when they are asked
/// for.
public struct Request: Sendable {
  /// The method.
  public internal(set) var method: Method
  /// The whole body, if the handler of its route takes one argument; otherwise empty.
  public internal(set) var body: [UInt8] = []
  /// What the path has at the places of the route's parameters, decoded.
  public internal(set) var parameters: [String: String] = [:]

  /// The head, from the request line to the empty line.
  let head: [UInt8]
  let pathStart: Int
  /// Where the path ends, and what follows it, which is a query if it is not empty.
  let pathEnd: Int
  let targetEnd: Int
  let fieldsStart: Int
  let notes: HeadNotes

  /// How many bytes of the input the head has taken.
  var headLength: Int { head.count }

  /// The fields of the head.
  public var headers: Headers { Headers(head: head, start: fieldsStart) }

  /// The path as it came, without the query and without being decoded. It begins with a `/`, or is `*` for OPTIONS.
  public var path: String {
    pathStart == pathEnd ? "/" : String(decoding: head[pathStart..<pathEnd], as: UTF8.self)
  }

  /// The query as it came, without its `?`; nil if there is none.
  public var query: String? {
    pathEnd < targetEnd ? String(decoding: head[(pathEnd + 1)..<targetEnd], as: UTF8.self) : nil
  }

  /// Whether the client speaks HTTP/1.0.
  public var isHTTP10: Bool { notes.isHTTP10 }

  /// What the path has at the place of a parameter of the route; an empty text if the route has no such parameter.
  public subscript(parameter: String) -> String { parameters[parameter] ?? "" }

  /// The value that the query gives for a name, decoded; nil if there is none, or if it is not encoded well.
  public func query(_ name: String) -> String? {
    guard pathEnd < targetEnd else { return nil }
    for pair in head[(pathEnd + 1)..<targetEnd].split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard parts[0].percentDecoded(isForm: true) == name else { continue }
      return parts.count == 1 ? "" : parts[1].percentDecoded(isForm: true)
    }
    return nil
  }

  /// The body as text; bytes that are no UTF-8 become U+FFFD.
  public var text: String { String(decoding: body, as: UTF8.self) }
}

/// What the server needs to know of a head, noted down while it is parsed.
struct HeadNotes: Sendable {
  var isHTTP10 = false
  /// The length of the body, from Content-Length.
  var length: Int?
  var isChunked = false
  var hasHost = false
  var closes = false
  var keepsAlive = false
  var upgrades = false
  var expectsContinue = false
  /// There is an expectation that the server does not know.
  var expectsOther = false

  /// Whether a body follows the head.
  var hasBody: Bool { isChunked || (length ?? 0) > 0 }
  /// Whether the connection may be kept for a further request.
  var isPersistent: Bool { !closes && (!isHTTP10 || keepsAlive) }
}
