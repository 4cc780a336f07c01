/// Parses the head of a request as its bytes come, each byte once.
///
/// It is strict where leniency would let two servers see different requests in the same bytes (request smuggling): each
/// line ends with CR and LF, no line is folded, no blank comes before a colon, and the length of the body is
/// given once.
struct HeadParser: Sendable {
  /// Where the line begins that is not complete.
  private var lineStart = 0
  /// Up to where no line feed was found.
  private var scanned = 0
  private var fieldsStart = 0
  private var fieldCount = 0
  private var method = Method.get
  private var target = 0..<0
  private var notes = HeadNotes()

  /// Parses further. The bytes begin with those of the call before. Nil if the head is not complete.
  mutating func parse(_ bytes: UnsafeRawBufferPointer, _ limits: HTTPLimits) throws(HTTPError) -> Request? {
    while let end = Self.lineFeed(bytes, from: scanned) {
      // First what would have been refused before the line feed came, so that it does not matter how bytes are split.
      try checkUnfinished(bytes.part(lineStart, end), end, limits)
      guard end > lineStart && bytes[end - 1] == 0x0d else {
        throw HTTPError(.badRequest, "a line of the head does not end with CR and LF")
      }
      let line = bytes.part(lineStart, end - 1)
      let start = lineStart
      lineStart = end + 1
      scanned = lineStart
      if fieldsStart == 0 {
        // An empty line before a request is what some clients put behind a body.
        if line.isEmpty && start == 0 { continue }
        if line.count > limits.requestLine { throw tooLong(line, limits) }
        try parseRequestLine(line, at: start)
        fieldsStart = lineStart
      } else if line.isEmpty {
        return try finish(bytes.part(0, lineStart))
      } else {
        fieldCount += 1
        if fieldCount > limits.headerCount || lineStart - fieldsStart > limits.headers { throw Self.tooLarge }
        try parseField(line)
      }
    }
    scanned = bytes.count
    try checkUnfinished(bytes.part(lineStart, bytes.count), bytes.count, limits)
    return nil
  }

  /// Refuses a line without its line feed, if no line feed could make it better.
  @inline(__always)
  private func checkUnfinished(
    _ line: UnsafeRawBufferPointer, _ end: Int, _ limits: HTTPLimits
  ) throws(HTTPError) {
    // The last byte may be the CR that belongs to the end.
    if fieldsStart > 0 {
      if end - fieldsStart > limits.headers + 1 { throw Self.tooLarge }
    } else if let first = line.first {
      // What is no HTTP at all, such as the greeting of TLS, may never have the end of a line.
      if !first.isToken && first != 0x0d {
        throw HTTPError(.badRequest, "the request does not begin with a method")
      }
      if line.count > limits.requestLine + 1 { throw tooLong(line, limits) }
    }
  }

  private static var tooLarge: HTTPError { HTTPError(Status(431), "the head has too many or too long fields") }

  private func tooLong(_ line: UnsafeRawBufferPointer, _ limits: HTTPLimits) -> HTTPError {
    if line.prefix(min(64, limits.requestLine)).contains(0x20) { return HTTPError(Status(414), "the path is too long") }
    return HTTPError(.notImplemented, "there is no method with so long a name")
  }

  @inline(__always)
  private static func lineFeed(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var index = start
    let count = bytes.count
    while index < count {
      if bytes[index] == 0x0a { return index }
      index += 1
    }
    return nil
  }

  // MARK: The request line

  private mutating func parseRequestLine(_ line: UnsafeRawBufferPointer, at offset: Int) throws(HTTPError) {
    var methodEnd = 0
    while methodEnd < line.count && line[methodEnd].isToken { methodEnd += 1 }
    guard methodEnd > 0 && methodEnd < line.count && line[methodEnd] == 0x20 else {
      throw HTTPError(.badRequest, "the request does not begin with a method and a space")
    }
    var targetEnd = methodEnd + 1
    while targetEnd < line.count && line[targetEnd] > 0x20 && line[targetEnd] < 0x7f { targetEnd += 1 }
    guard targetEnd > methodEnd + 1 && targetEnd < line.count && line[targetEnd] == 0x20 else {
      throw HTTPError(.badRequest, "the request line has no path, or the path has characters that must be encoded")
    }
    // HTTP/1.1
    let version = line.part(targetEnd + 1, line.count)
    guard version.count == 8 && version.part(0, 5).elementsEqual("HTTP/".utf8), version[5].isDigit,
      version[6] == UInt8(ascii: "."), version[7].isDigit
    else { throw HTTPError(.badRequest, "the request line does not end with a version of HTTP") }
    guard version[5] == UInt8(ascii: "1") else { throw HTTPError(Status(505)) }
    notes.isHTTP10 = version[7] == UInt8(ascii: "0")
    method = Method(line.part(0, methodEnd))
    target = (offset + methodEnd + 1)..<(offset + targetEnd)
  }

  /// The places of the path and of the whole target: `/path?query`, `http://host/path?query`, or `*`.
  private func splitTarget(_ head: UnsafeRawBufferPointer) throws(HTTPError) -> (path: Range<Int>, end: Int) {
    var start = target.lowerBound
    let first = head[start]
    if first != UInt8(ascii: "/") {
      if method.rawValue == "CONNECT" { throw HTTPError(.notImplemented, "this server is no proxy") }
      if first == UInt8(ascii: "*") && target.count == 1 && method == .options { return (target, target.upperBound) }
      let text = head.part(target.lowerBound, target.upperBound)
      let scheme =
        text.count > 7 && text.part(0, 7).isLowercased("http://")
        ? 7 : text.count > 8 && text.part(0, 8).isLowercased("https://") ? 8 : 0
      guard scheme > 0, text[scheme] != UInt8(ascii: "/"), text[scheme] != UInt8(ascii: "?") else {
        throw HTTPError(.badRequest, "the path does not begin with a slash")
      }
      start += scheme
      while start < target.upperBound && head[start] != UInt8(ascii: "/") && head[start] != UInt8(ascii: "?") {
        start += 1
      }
    }
    var end = start
    while end < target.upperBound && head[end] != UInt8(ascii: "?") {
      if head[end] == UInt8(ascii: "#") { throw HTTPError(.badRequest, "the path has a fragment") }
      end += 1
    }
    return (start..<end, target.upperBound)
  }

  // MARK: Fields

  private mutating func parseField(_ line: UnsafeRawBufferPointer) throws(HTTPError) {
    let (name, value) = try Self.split(line)
    // Only names with the length of one that matters are looked at.
    switch name.count {
    case 4 where name.isLowercased("host"):
      if notes.hasHost { throw HTTPError(.badRequest, "the head has two fields Host") }
      notes.hasHost = true
      for byte in value where byte <= 0x20 || byte >= 0x7f || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "@") {
        throw HTTPError(.badRequest, "the field Host is no name of a host")
      }
    case 6 where name.isLowercased("expect"):
      if value.isLowercased("100-continue") { notes.expectsContinue = true } else { notes.expectsOther = true }
    case 7 where name.isLowercased("upgrade"): break
    case 10 where name.isLowercased("connection"):
      var found = notes
      value.forEachListElement { element in
        if element.isLowercased("close") { found.closes = true }
        if element.isLowercased("keep-alive") { found.keepsAlive = true }
        if element.isLowercased("upgrade") { found.upgrades = true }
      }
      notes = found
    case 14 where name.isLowercased("content-length"):
      if notes.length != nil { throw HTTPError(.badRequest, "the head has two fields Content-Length") }
      guard !value.isEmpty && value.allSatisfy(\.isDigit) else {
        throw HTTPError(.badRequest, "the field Content-Length is no number")
      }
      // More digits than any limit has.
      guard value.count <= 18 else { throw HTTPError(.contentTooLarge) }
      notes.length = value.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    case 17 where name.isLowercased("transfer-encoding"):
      if notes.isChunked { throw HTTPError(.badRequest, "the body is chunked twice") }
      guard value.isLowercased("chunked") else {
        throw HTTPError(.notImplemented, "the only transfer encoding that this server knows is chunked")
      }
      notes.isChunked = true
    default: break
    }
  }

  /// Splits a line into name and value, and checks every byte.
  static func split(
    _ line: UnsafeRawBufferPointer
  ) throws(HTTPError) -> (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    var colon = 0
    while colon < line.count && line[colon].isToken { colon += 1 }
    guard colon > 0 && colon < line.count && line[colon] == UInt8(ascii: ":") else {
      let isFolded = line.first.map(\.isBlank) ?? false
      throw HTTPError(
        .badRequest, isFolded ? "a field is folded over two lines" : "a field is no name with a colon behind it")
    }
    var index = colon + 1
    while index < line.count {
      guard line[index].isFieldValue else { throw HTTPError(.badRequest, "a field has a control character") }
      index += 1
    }
    return (line.part(0, colon), line.part(colon + 1, line.count).trimmed)
  }

  /// Checks what can be judged only when the head is complete.
  private func finish(_ head: UnsafeRawBufferPointer) throws(HTTPError) -> Request {
    if !notes.isHTTP10 && !notes.hasHost { throw HTTPError(.badRequest, "the field Host is missing") }
    if notes.isChunked && notes.length != nil {
      throw HTTPError(.badRequest, "the head has both Content-Length and Transfer-Encoding")
    }
    if notes.isChunked && notes.isHTTP10 { throw HTTPError(.badRequest, "HTTP/1.0 has no chunked bodies") }
    let (path, end) = try splitTarget(head)
    return Request(
      method: method, head: [UInt8](head), pathStart: path.lowerBound, pathEnd: path.upperBound, targetEnd: end,
      fieldsStart: fieldsStart, notes: notes)
  }
}
