/// The status of an answer, such as 200 OK.
public struct Status: Hashable, Sendable, CustomStringConvertible {
  /// The number, from 100 to 999.
  public let code: Int

  /// Makes a status from its number. A number that does not have three digits stops the program.
  public init(_ code: Int) {
    precondition((100...999).contains(code), "Troupe: the status of an HTTP response must have three digits")
    self.code = code
  }

  /// The number and the phrase that belongs to it.
  public var description: String { phrase.map { "\(code) \($0)" } ?? "\(code)" }

  /// The whole line, if this status is a common one.
  var line: StaticString? {
    switch code {
    case 101: "HTTP/1.1 101 Switching Protocols\r\n"
    case 200: "HTTP/1.1 200 OK\r\n"
    case 201: "HTTP/1.1 201 Created\r\n"
    case 202: "HTTP/1.1 202 Accepted\r\n"
    case 204: "HTTP/1.1 204 No Content\r\n"
    case 206: "HTTP/1.1 206 Partial Content\r\n"
    case 301: "HTTP/1.1 301 Moved Permanently\r\n"
    case 302: "HTTP/1.1 302 Found\r\n"
    case 303: "HTTP/1.1 303 See Other\r\n"
    case 304: "HTTP/1.1 304 Not Modified\r\n"
    case 307: "HTTP/1.1 307 Temporary Redirect\r\n"
    case 308: "HTTP/1.1 308 Permanent Redirect\r\n"
    case 400: "HTTP/1.1 400 Bad Request\r\n"
    case 401: "HTTP/1.1 401 Unauthorized\r\n"
    case 403: "HTTP/1.1 403 Forbidden\r\n"
    case 404: "HTTP/1.1 404 Not Found\r\n"
    case 405: "HTTP/1.1 405 Method Not Allowed\r\n"
    case 408: "HTTP/1.1 408 Request Timeout\r\n"
    case 409: "HTTP/1.1 409 Conflict\r\n"
    case 410: "HTTP/1.1 410 Gone\r\n"
    case 413: "HTTP/1.1 413 Content Too Large\r\n"
    case 414: "HTTP/1.1 414 URI Too Long\r\n"
    case 415: "HTTP/1.1 415 Unsupported Media Type\r\n"
    case 416: "HTTP/1.1 416 Range Not Satisfiable\r\n"
    case 417: "HTTP/1.1 417 Expectation Failed\r\n"
    case 422: "HTTP/1.1 422 Unprocessable Content\r\n"
    case 426: "HTTP/1.1 426 Upgrade Required\r\n"
    case 429: "HTTP/1.1 429 Too Many Requests\r\n"
    case 431: "HTTP/1.1 431 Request Header Fields Too Large\r\n"
    case 500: "HTTP/1.1 500 Internal Server Error\r\n"
    case 501: "HTTP/1.1 501 Not Implemented\r\n"
    case 503: "HTTP/1.1 503 Service Unavailable\r\n"
    case 504: "HTTP/1.1 504 Gateway Timeout\r\n"
    case 505: "HTTP/1.1 505 HTTP Version Not Supported\r\n"
    default: nil
    }
  }

  /// The words that belong to the number, if it is a common one.
  var phrase: String? {
    line.map { line in
      line.withUTF8Buffer { String(decoding: $0.dropFirst(13).dropLast(2), as: UTF8.self) }
    }
  }

  /// Whether an answer with this status never has a body.
  var hasNoBody: Bool { code < 200 || code == 204 || code == 304 }

  /// The request has succeeded.
  public static var ok: Status { Status(200) }
  /// Something new has come to be.
  public static var created: Status { Status(201) }
  /// The request will be dealt with later.
  public static var accepted: Status { Status(202) }
  /// The request has succeeded, and there is nothing to tell.
  public static var noContent: Status { Status(204) }
  /// See the field Location, with GET.
  public static var seeOther: Status { Status(303) }
  /// The client's copy is up to date.
  public static var notModified: Status { Status(304) }
  /// The request makes no sense.
  public static var badRequest: Status { Status(400) }
  /// The client has to say who it is.
  public static var unauthorized: Status { Status(401) }
  /// The client must not do this.
  public static var forbidden: Status { Status(403) }
  /// There is nothing at this path.
  public static var notFound: Status { Status(404) }
  /// The path has no such method.
  public static var methodNotAllowed: Status { Status(405) }
  /// The request did not come in time.
  public static var requestTimeout: Status { Status(408) }
  /// The request contradicts the present state.
  public static var conflict: Status { Status(409) }
  /// The body is longer than the server allows.
  public static var contentTooLarge: Status { Status(413) }
  /// The handler has failed.
  public static var internalServerError: Status { Status(500) }
  /// The server cannot do this.
  public static var notImplemented: Status { Status(501) }
  /// The server cannot do this at the moment.
  public static var serviceUnavailable: Status { Status(503) }
}

/// An error that a handler throws to answer with a certain status.
///
/// ```swift
/// routes.get("/books/:id") { request in
///   guard let book = books[request["id"]] else { throw HTTPError(.notFound) }
///   return .text(book)
/// }
/// ```
public struct HTTPError: Error, Sendable, CustomStringConvertible {
  /// The status of the answer.
  public let status: Status
  /// The text of the answer.
  public let text: String

  /// Makes an error. Without a text the answer has the phrase that belongs to the status.
  public init(_ status: Status, _ text: String? = nil) {
    self.status = status
    self.text = text ?? status.description
  }

  /// The status and the text.
  public var description: String { "\(status.code): \(text)" }
}
