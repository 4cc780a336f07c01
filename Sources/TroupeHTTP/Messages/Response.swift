/// An answer to a request.
///
/// ```swift
/// routes.get("/greeting") { request in
///   var response = Response.text("hello, \(request.query("name") ?? "stranger")")
///   response["Cache-Control"] = "no-store"
///   return response
/// }
/// ```
/// The server writes Date, Content-Length, Transfer-Encoding and Connection by itself, and ignores attempts to set
/// them.
public struct Response: Sendable {
  /// The status.
  public var status: Status
  /// Whether the connection ends after this answer.
  public var closesConnection = false

  enum Body: Sendable {
    case none
    case literal(StaticString)
    case text(String)
    case bytes([UInt8])
    /// The length is nil if only the end of the stream tells it.
    case stream(length: Int?, @Sendable (BodyWriter) async throws -> Void)

    /// Nil for a stream without a length.
    var length: Int? {
      switch self {
      case .none: 0
      case .literal(let text): text.utf8CodeUnitCount
      case .text(let text): text.utf8.count
      case .bytes(let bytes): bytes.count
      case .stream(let length, _): length
      }
    }
  }

  var body: Body
  /// The line Content-Type, if it is one of the usual ones, which then costs no memory.
  var typeLine: StaticString?
  /// Whole lines of other fields, each with its end.
  var fields: [UInt8] = []

  init(_ status: Status, _ typeLine: StaticString? = nil, _ body: Body) {
    self.status = status
    self.typeLine = typeLine
    self.body = body
  }

  /// An answer with a status and nothing else.
  public init(_ status: Status) { self.init(status, nil, .none) }

  /// An answer with bytes.
  public init(_ status: Status = .ok, type: String, body: [UInt8]) {
    self.init(status, nil, .bytes(body))
    add("Content-Type", type)
  }

  /// Plain text.
  public static func text(_ text: String, status: Status = .ok) -> Response {
    Response(status, "Content-Type: text/plain; charset=utf-8\r\n", .text(text))
  }

  /// A page in HTML.
  public static func html(_ text: String, status: Status = .ok) -> Response {
    Response(status, "Content-Type: text/html; charset=utf-8\r\n", .text(text))
  }

  /// JSON that is encoded already.
  public static func json(_ text: String, status: Status = .ok) -> Response {
    Response(status, "Content-Type: application/json\r\n", .text(text))
  }

  /// Bytes of any kind.
  public static func bytes(
    _ bytes: [UInt8], type: String = "application/octet-stream", status: Status = .ok
  ) -> Response {
    Response(status, type: type, body: bytes)
  }

  /// Sends the client to another place, with GET.
  public static func redirect(to location: String, status: Status = .seeOther) -> Response {
    var response = Response(status)
    response["Location"] = location
    return response
  }

  /// A body that is made while it is sent.
  ///
  /// The closure runs in a task on the system's workers and writes part after part; each call waits until the client
  /// has taken enough of what came before. If the client goes away, the task is cancelled and the calls throw. If the
  /// closure throws, or writes another number of bytes than `length`, the connection is cut off, so that the client
  /// does not take a part for the whole.
  ///
  /// ```swift
  /// .stream(type: "text/csv") { body in
  ///   for line in lines { try await body.write(line + "\n") }
  /// }
  /// ```
  public static func stream(
    type: String = "application/octet-stream", length: Int? = nil, status: Status = .ok,
    _ body: @escaping @Sendable (BodyWriter) async throws -> Void
  ) -> Response {
    var response = Response(status, nil, .stream(length: length, body))
    response.add("Content-Type", type)
    return response
  }

  /// Server-sent events. The closure runs in a task, as that of `stream` does, and the stream ends when it returns.
  ///
  /// ```swift
  /// routes.get("/events") { _ in
  ///   .events { events in for await price in prices { try await events.send("\(price)") } }
  /// }
  /// ```
  public static func events(_ events: @escaping @Sendable (EventWriter) async throws -> Void) -> Response {
    var response = Response(
      .ok, "Content-Type: text/event-stream\r\n", .stream(length: nil) { try await events(EventWriter(body: $0)) })
    response.add("Cache-Control", "no-cache")
    return response
  }

  // MARK: Fields

  /// The value of a field. Setting it replaces all fields with this name, and nil removes them.
  ///
  /// A name that is no token stops the program. A control character in a value becomes a space, so that no value can
  /// begin a further field.
  public subscript(name: String) -> String? {
    get {
      if name.lowercased() == "content-type", let typeLine {
        return typeLine.withUTF8Buffer { String(decoding: $0.dropFirst(14).dropLast(2), as: UTF8.self) }
      }
      return Headers(head: fields + [13, 10], start: 0)[name]
    }
    set {
      remove(name)
      if let newValue { add(name, newValue) }
    }
  }

  /// Adds a field beside those with the same name, as for Set-Cookie.
  public mutating func add(_ name: String, _ value: String) {
    precondition(
      !name.isEmpty && name.utf8.allSatisfy(\.isToken), "Troupe: the name of an HTTP field must be a token")
    switch name.lowercased() {
    case "date", "content-length", "transfer-encoding", "connection": return
    case "content-type": typeLine = nil
    default: break
    }
    fields.append(contentsOf: name.utf8)
    fields.append(contentsOf: ": ".utf8)
    fields.append(contentsOf: value.utf8.lazy.map { $0.isFieldValue ? $0 : 0x20 })
    fields.append(contentsOf: [13, 10])
  }

  private mutating func remove(_ name: String) {
    if name.lowercased() == "content-type" { typeLine = nil }
    if fields.isEmpty { return }
    var kept: [UInt8] = []
    for (other, value) in Headers(head: fields + [13, 10], start: 0) where other.lowercased() != name.lowercased() {
      kept.append(contentsOf: "\(other): \(value)\r\n".utf8)
    }
    fields = kept
  }
}

extension Response {
  /// The answer for an error.
  init(_ error: HTTPError) {
    self = .text(error.text + "\n", status: error.status)
  }
}
