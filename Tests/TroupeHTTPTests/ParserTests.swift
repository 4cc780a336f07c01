import Testing
import TroupeHTTP
import TroupeNet

/// What the codec makes of a stream of bytes, as lines of text.
enum Decoded {
  static func of(
    _ text: String, part: Int = .max, limits: HTTPLimits = HTTPLimits(), codec: HTTPCodec? = nil
  ) -> [String] {
    of(Array(text.utf8), part: part, limits: limits, codec: codec)
  }

  /// The stream comes in parts of `part` bytes. Parts of a body that follow each other are one line.
  static func of(
    _ bytes: [UInt8], part: Int = .max, limits: HTTPLimits = HTTPLimits(), codec: HTTPCodec? = nil
  ) -> [String] {
    var codec = codec ?? HTTPCodec(limits: limits)
    var lines: [String] = []
    var body = ""
    var rest: [UInt8] = []
    var offset = 0
    while offset < bytes.count {
      let next = bytes.count - offset <= part ? bytes.count : offset + part
      var input = InputBuffer(rest + bytes[offset..<next])
      do {
        while let frame = try codec.decode(&input) {
          switch frame {
          case .head(let request):
            lines.append("\(request.method) \(request.path)\(request.query.map { "?" + $0 } ?? "")")
          case .body(let bytes, let isLast):
            body += String(decoding: bytes, as: UTF8.self)
            if isLast {
              lines.append("body \(body)")
              body = ""
            }
          case .webSocket(let frame): lines.append("\(frame)")
          }
        }
      } catch let error as HTTPError {
        return lines + ["\(error.status.code)"]
      } catch {
        return lines + ["\(error)"]
      }
      rest = input.takeBytes(input.count)
      offset = next
    }
    return lines
  }
}

@Suite("The parser of HTTP")
struct ParserTests {
  @Test("A stream of requests that is split at any byte gives the same frames")
  func split() {
    let stream =
      "GET /a?x=1&y=%20 HTTP/1.1\r\nHost: a\r\nAccept:  text/html \r\n\r\n"
      + "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
      + "\r\nPUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
      + "3;name=value\r\nabc\r\n0A\r\n0123456789\r\n0\r\nChecksum: none\r\n\r\n"
      + "GET http://host:80?q HTTP/1.0\r\n\r\nDELETE /d HTTP/1.1\r\nHost:\r\nContent-Length: 0\r\n\r\n"
    let frames = [
      "GET /a?x=1&y=%20", "POST /b", "body hello", "PUT /c", "body abc0123456789", "GET /?q", "DELETE /d",
    ]
    for part in 1...stream.utf8.count { #expect(Decoded.of(stream, part: part) == frames, "parts of \(part)") }
  }

  @Test(
    "What two servers might understand differently is refused",
    arguments: [
      ("Content-Length: 5\r\nContent-Length: 5", "400"), ("Content-Length: 5\r\nContent-Length: 6", "400"),
      ("Content-Length: 5, 5", "400"), ("Content-Length: +5", "400"), ("Content-Length: -5", "400"),
      ("Content-Length: 0x5", "400"), ("Content-Length:", "400"), ("Content-Length: 5 5", "400"),
      ("Content-Length: 99999999999999999999", "413"), ("content-length: 5\r\nCONTENT-LENGTH: 5", "400"),
      ("Content-Length: 5\r\nTransfer-Encoding: chunked", "400"),
      ("Transfer-Encoding: chunked\r\nContent-Length: 5", "400"),
      ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "400"),
      ("Transfer-Encoding: chunked, chunked", "501"), ("Transfer-Encoding: gzip, chunked", "501"),
      ("Transfer-Encoding: identity", "501"), ("Transfer-Encoding: xchunked", "501"),
      ("Transfer-Encoding: \u{b}chunked", "400"), ("Transfer-Encoding : chunked", "400"),
      ("Content-Length : 5", "400"), ("X: a\r\n folded", "400"), ("X: a\r\n\tfolded", "400"), (" X: a", "400"),
      ("X: a\nY: b", "400"), ("X: a\rY: b", "400"), ("X: a\u{0}", "400"), ("X: a\u{7f}", "400"), ("X", "400"),
      (": a", "400"), ("X\u{e4}: a", "400"), ("X(y): a", "400"), ("Host: b", "400"),
    ])
  func smuggling(_ fields: String, _ answer: String) {
    let head = "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n"
    for part in [1, 2, 3, 7, .max] { #expect(Decoded.of(head, part: part) == [answer]) }
  }

  @Test(
    "A bad head is refused with the status that fits",
    arguments: [
      ("GET / HTTP/1.1\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"),
      ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"), ("GET /\r\nHost: a\r\n\r\n", "400"),
      ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400"),
      ("GET / http/1.1\r\nHost: a\r\n\r\n", "400"), ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", "400"),
      ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"),
      ("GET /\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
      ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
      ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
      ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
      ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "501"), ("G\u{7}T / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
      ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET / HTTP/1.1\nHost: a\n\n", "400"),
      ("\u{16}\u{3}\u{1}", "400"), ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
    ])
  func badHead(_ head: String, _ answer: String) {
    for part in [1, 2, 5, .max] { #expect(Decoded.of(head, part: part) == [answer]) }
  }

  @Test(
    "A bad chunk is refused",
    arguments: [
      ("g\r\n", "400"), ("\r\n", "400"), ("-1\r\n", "400"), ("3 \r\nabc\r\n", "400"), ("3\nabc\r\n", "400"),
      ("0x3\r\nabc\r\n", "400"), ("3\r\nabcd\r\n", "400"), ("3\r\nabc\n", "400"), ("3\r\nabc\rx", "400"),
      ("ffffffffffffffff\r\n", "413"), ("3;\u{0}\r\nabc\r\n", "400"), ("0\r\nX : y\r\n\r\n", "400"),
      ("0\r\n X\r\n\r\n", "400"), ("0\r\nX: y\n\r\n", "400"),
      ("3;" + String(repeating: "x", count: 300) + "\r\nabc\r\n", "400"), (String(repeating: "0", count: 300), "400"),
    ])
  func badChunk(_ body: String, _ answer: String) {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for part in [1, 2, 5, .max] { #expect(Decoded.of(head + body, part: part).last == answer) }
  }

  @Test("Limits are kept to the byte")
  func limits() {
    var limits = HTTPLimits()
    limits.requestLine = 30
    limits.headers = 40
    limits.headerCount = 3
    func get(path: Int = 1, field: Int = 0, count: Int = 1) -> [String] {
      let path = "/" + String(repeating: "x", count: path - 1)
      let more = String(repeating: "A:\r\n", count: count - 1)
      let text = "GET \(path) HTTP/1.1\r\nHost:\(String(repeating: "h", count: field))\r\n\(more)\r\n"
      let whole = Decoded.of(text, limits: limits)
      for part in [1, 3, 8] { #expect(Decoded.of(text, part: part, limits: limits) == whole) }
      return whole
    }
    // 13 bytes of the request line are not the path, and 7 bytes of the fields are not the host.
    #expect(get(path: 17).first?.hasPrefix("GET /x") == true)
    #expect(get(path: 18) == ["414"])
    #expect(get(field: 33) == ["GET /"])
    #expect(get(field: 34) == ["431"])
    #expect(get(count: 3) == ["GET /"])
    #expect(get(count: 4) == ["431"])
    // Neither has an end.
    #expect(Decoded.of("GET /" + String(repeating: "x", count: 50), limits: limits) == ["414"])
    #expect(Decoded.of(String(repeating: "G", count: 90), limits: limits) == ["501"])
    #expect(
      Decoded.of("GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 50), limits: limits) == ["431"])
  }

  @Test("The fields, the path and the query of a request can be read")
  func request() throws {
    var codec = HTTPCodec()
    var input = InputBuffer(
      Array(
        "GET /p?a=1&b=x%20y+z&c&d=%zz&%61=2 HTTP/1.1\r\nHost: h\r\nACCEPT:\t a, b \r\nx-y: 1\r\nX-Y: 2\r\n\r\n".utf8))
    guard case .head(let request) = try codec.decode(&input) else {
      Issue.record("there is no head")
      return
    }
    #expect(request.headers["accept"] == "a, b")
    #expect(request.headers["X-y"] == "1")
    #expect(request.headers.all("X-Y") == ["1", "2"])
    #expect(request.headers["X"] == nil)
    #expect(request.headers.list("Accept", contains: "B"))
    #expect(!request.headers.list("Accept", contains: "a, b"))
    #expect(request.headers.map(\.name) == ["Host", "ACCEPT", "x-y", "X-Y"])
    #expect(request.query("a") == "1")
    #expect(request.query("b") == "x y z")
    #expect(request.query("c") == "")
    #expect(request.query("d") == nil)
    #expect(request.query("e") == nil)
    #expect(request.method == .get && !request.isHTTP10)
  }
}
