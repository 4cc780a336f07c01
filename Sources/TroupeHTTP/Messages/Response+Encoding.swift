internal import CTroupeFiles
import TroupeNet

/// How an answer is sent.
struct Transmission {
  /// Only the head is sent, since the request was HEAD.
  var isHead = false
  /// The client speaks HTTP/1.0, which knows no chunks.
  var isHTTP10 = false
  /// The connection ends afterwards.
  var closes = false
}

extension Response {
  /// Puts the answer into the output, all of it unless its body is a stream.
  func encode(_ transmission: Transmission, into output: inout OutputBuffer) {
    if let line = status.line {
      output.append(utf8: line)
    } else {
      output.append(utf8: "HTTP/1.1 ")
      output.append(decimal: status.code)
      // The phrase may be empty, and the space stays.
      output.append(utf8: " \r\n")
    }
    if status.code >= 200 {
      output.append(utf8: "Date: ")
      output.append(UnsafeRawBufferPointer(start: troupe_http_date_now(), count: Int(TROUPE_HTTP_DATE_LENGTH)))
      output.append(utf8: "\r\n")
    }
    if let typeLine { output.append(utf8: typeLine) }
    if !fields.isEmpty { output.append(contentsOf: fields) }
    if transmission.closes {
      output.append(utf8: "Connection: close\r\n")
    } else if transmission.isHTTP10 {
      output.append(utf8: "Connection: keep-alive\r\n")
    }
    if status.hasNoBody { return output.append(utf8: "\r\n") }
    if let length = body.length {
      output.append(utf8: "Content-Length: ")
      output.append(decimal: length)
      output.append(utf8: "\r\n\r\n")
    } else {
      output.append(utf8: transmission.isHTTP10 ? "\r\n" : "Transfer-Encoding: chunked\r\n\r\n")
    }
    if transmission.isHead { return }
    switch body {
    case .none, .stream: break
    case .literal(let text): output.append(utf8: text)
    case .text(let text): output.append(utf8: text)
    case .bytes(let bytes): output.append(contentsOf: bytes)
    }
  }

  /// Whether the end of the body can only be told by the end of the connection.
  func needsClose(isHTTP10: Bool) -> Bool { isHTTP10 && body.length == nil && !status.hasNoBody }
}
