internal import CTroupeFiles

/// The files of a folder as answers.
struct StaticFiles: Sendable {
  let folder: String
  /// Up to this size a file is read at once, in the turn of the connection.
  private static let small = 256 * 1024
  private static let part = 64 * 1024

  func answer(_ request: Request, _ path: String) throws -> Response {
    guard let (file, name) = open(path) else { throw HTTPError(.notFound) }
    let status = file.status
    let tag = "\"\(String(status.inode, radix: 36))-\(String(status.modified, radix: 36))-\(status.size)\""
    let modified = Self.date(status.modified / 1_000_000_000)
    if Self.isFresh(request.headers, tag, modified) {
      var response = Response(.notModified)
      response["ETag"] = tag
      response["Last-Modified"] = modified
      return response
    }
    let size = Int(status.size)
    var response: Response
    switch Self.range(request, tag, modified, size) {
    case .whole:
      response = try body(file, 0, size, name)
    case .part(let range):
      response = try body(file, range.lowerBound, range.count, name)
      response.status = Status(206)
      response["Content-Range"] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
    case .unsatisfiable:
      response = .text("the file has \(size) bytes\n", status: Status(416))
      response["Content-Range"] = "bytes */\(size)"
      return response
    }
    response["ETag"] = tag
    response["Last-Modified"] = modified
    response["Accept-Ranges"] = "bytes"
    response["X-Content-Type-Options"] = "nosniff"
    return response
  }

  private func body(_ file: OpenFile, _ start: Int, _ count: Int, _ name: String) throws -> Response {
    let type = ContentType.of(name)
    if count <= Self.small {
      guard let bytes = file.read(start, count) else { throw HTTPError(.internalServerError) }
      return .bytes(bytes, type: type)
    }
    return .stream(type: type, length: count) { body in
      var offset = start
      while offset < start + count {
        // A file that has become shorter ends the connection, since its length has been promised.
        guard let bytes = file.read(offset, min(Self.part, start + count - offset)) else { throw FileChanged() }
        try await body.write(bytes)
        offset += bytes.count
      }
    }
  }

  private struct FileChanged: Error, CustomStringConvertible {
    let description = "the file has become shorter while it was sent"
  }

  // MARK: Opening

  /// Opens a file below the folder, segment after segment, so that no symbolic link can lead out.
  private func open(_ path: String) -> (OpenFile, name: String)? {
    guard var file = OpenFile(troupe_file_open_folder(folder)) else { return nil }
    var segments = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    if segments.last == "" { segments[segments.count - 1] = "index.html" }
    for (index, segment) in segments.enumerated() {
      guard file.status.is_directory, !segment.isEmpty, !segment.hasPrefix("."), segment.utf8.count < 256,
        !segment.utf8.contains(0), let next = OpenFile(troupe_file_open_entry(file.descriptor, segment))
      else { return nil }
      file = next
      // A folder without a slash has the same page, which is simpler for links within it than a second address.
      if index == segments.count - 1 && file.status.is_directory { return nil }
    }
    return file.status.is_file ? (file, segments[segments.count - 1]) : nil
  }

  // MARK: Conditions

  private static func isFresh(_ headers: Headers, _ tag: String, _ modified: String) -> Bool {
    let tags = headers.elements("If-None-Match")
    if !tags.isEmpty { return tags.contains { $0 == "*" || $0 == tag || $0 == "W/" + tag } }
    return headers["If-Modified-Since"] == modified
  }

  enum Part: Equatable {
    case whole
    case part(Range<Int>)
    case unsatisfiable
  }

  private static func range(_ request: Request, _ tag: String, _ modified: String, _ size: Int) -> Part {
    guard let field = request.headers["Range"] else { return .whole }
    if let condition = request.headers["If-Range"], condition != tag && condition != modified { return .whole }
    return range(field, size)
  }

  /// The part that a field Range asks for. Several ranges, and what is no range, give the whole.
  static func range(_ field: String, _ size: Int) -> Part {
    guard field.hasPrefix("bytes=") else { return .whole }
    let ends = field.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, ends.allSatisfy({ $0.utf8.allSatisfy(\.isDigit) && $0.utf8.count <= 18 }) else {
      return .whole
    }
    switch (Int(ends[0]), Int(ends[1])) {
    case (let first?, let last?):
      if first > last { return .whole }
      return first < size ? .part(first..<min(last + 1, size)) : .unsatisfiable
    case (let first?, nil): return first < size ? .part(first..<size) : .unsatisfiable
    case (nil, let count?): return count > 0 && size > 0 ? .part(max(0, size - count)..<size) : .unsatisfiable
    case (nil, nil): return .whole
    }
  }

  static func date(_ seconds: Int64) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(TROUPE_HTTP_DATE_LENGTH)) { text in
      troupe_http_date(seconds, text.baseAddress)
      return String(decoding: UnsafeRawBufferPointer(text), as: UTF8.self)
    }
  }
}

/// A file or a folder that is open, until the last reference goes.
final class OpenFile: Sendable {
  let descriptor: Int32
  let status: troupe_file_status

  /// Takes what a call to open has returned. Nil if that was an error.
  init?(_ result: Int32) {
    guard result >= 0 else { return nil }
    descriptor = result
    var status = troupe_file_status()
    guard troupe_file_status_of(result, &status) == 0 else {
      troupe_file_close(result)
      return nil
    }
    self.status = status
  }

  deinit { troupe_file_close(descriptor) }

  /// Reads bytes; nil if there are fewer, or if the system fails.
  func read(_ offset: Int, _ count: Int) -> [UInt8]? {
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = max(0, Int(troupe_file_read(descriptor, buffer.baseAddress, count, Int64(offset))))
    }
    return bytes.count == count ? bytes : nil
  }
}

/// The types of files by the endings of their names.
enum ContentType {
  static func of(_ name: String) -> String {
    guard let dot = name.lastIndex(of: ".") else { return "application/octet-stream" }
    switch name[name.index(after: dot)...].lowercased() {
    case "html", "htm": return "text/html; charset=utf-8"
    case "css": return "text/css; charset=utf-8"
    case "js", "mjs": return "text/javascript; charset=utf-8"
    case "json", "map": return "application/json"
    case "txt", "md", "log": return "text/plain; charset=utf-8"
    case "csv": return "text/csv; charset=utf-8"
    case "xml": return "application/xml"
    case "svg": return "image/svg+xml"
    case "png": return "image/png"
    case "jpg", "jpeg": return "image/jpeg"
    case "gif": return "image/gif"
    case "webp": return "image/webp"
    case "ico": return "image/vnd.microsoft.icon"
    case "woff2": return "font/woff2"
    case "woff": return "font/woff"
    case "pdf": return "application/pdf"
    case "wasm": return "application/wasm"
    case "mp4": return "video/mp4"
    case "webm": return "video/webm"
    case "mp3": return "audio/mpeg"
    case "zip": return "application/zip"
    case "gz": return "application/gzip"
    default: return "application/octet-stream"
    }
  }
}
