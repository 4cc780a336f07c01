import Foundation
import Testing
import TroupeHTTP
import TroupeNet

@Suite("Static files")
struct FileTests {
  @Test("Files come with their type and tag, whole or in part, and nothing else can be reached")
  func files() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("troupe-\(UUID().uuidString)")
    let inside = folder.appendingPathComponent("site/sub")
    try FileManager.default.createDirectory(at: inside, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let site = folder.appendingPathComponent("site")
    func write(_ path: String, _ data: Data) throws { try data.write(to: site.appendingPathComponent(path)) }
    try write("index.html", Data("<p>".utf8))
    try write("a b.css", Data("0123456789".utf8))
    try write(".hidden", Data("hidden".utf8))
    try write("../secret", Data("secret".utf8))
    try write("sub/empty", Data())
    let long = Data((0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 / 7) })
    try write("sub/long.bin", long)
    try FileManager.default.createSymbolicLink(
      at: site.appendingPathComponent("link"), withDestinationURL: folder.appendingPathComponent("secret"))
    try FileManager.default.createSymbolicLink(at: site.appendingPathComponent("up"), withDestinationURL: folder)

    try await withServer { routes in
      routes.files("/f/", in: site.path)
    } _: { server, _ in
      try await onThread {
        let client = try RawClient(port: server.port)
        let index = try client.ask("GET", "/f/")
        #expect(index.body == "<p>" && index.fields["content-type"] == "text/html; charset=utf-8")
        let style = try client.ask("GET", "/f/a%20b.css?x")
        #expect(style.body == "0123456789" && style.fields["content-type"] == "text/css; charset=utf-8")
        let tag = try #require(style.fields["etag"])
        let date = try #require(style.fields["last-modified"])
        #expect(try client.ask("HEAD", "/f/a%20b.css").fields["content-length"] == "10")
        for condition in [
          "If-None-Match: \(tag)", "If-None-Match: \"x\", W/\(tag)", "If-None-Match: *", "If-Modified-Since: \(date)",
        ] {
          let same = try client.ask("GET", "/f/a%20b.css", condition + "\r\n")
          #expect(same.status == 304 && same.fields["etag"] == tag && same.fields["content-length"] == nil)
        }
        #expect(try client.ask("GET", "/f/a%20b.css", "If-None-Match: \"x\"\r\n").status == 200)
        func range(_ field: String, _ more: String = "") throws -> String {
          let answer = try client.ask("GET", "/f/a%20b.css", "Range: \(field)\r\n\(more)")
          return "\(answer.status) \(answer.fields["content-range"] ?? "-") \(answer.body)"
        }
        #expect(try range("bytes=2-4") == "206 bytes 2-4/10 234")
        #expect(try range("bytes=8-100") == "206 bytes 8-9/10 89")
        #expect(try range("bytes=8-") == "206 bytes 8-9/10 89")
        #expect(try range("bytes=-3") == "206 bytes 7-9/10 789")
        #expect(try range("bytes=-30") == "206 bytes 0-9/10 0123456789")
        #expect(try range("bytes=10-").hasPrefix("416 bytes */10 "))
        #expect(try range("bytes=-0").hasPrefix("416 bytes */10 "))
        for whole in [
          "bytes=4-2", "bytes=1-2,4-5", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=1-99999999999999999999",
        ] {
          #expect(try range(whole) == "200 - 0123456789", "\(whole)")
        }
        #expect(try range("bytes=2-4", "If-Range: \(tag)\r\n") == "206 bytes 2-4/10 234")
        #expect(try range("bytes=2-4", "If-Range: \"x\"\r\n") == "200 - 0123456789")

        try client.send("GET /f/sub/long.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try client.read(to: "\r\n\r\n")
        #expect(try Data(client.read(long.count)) == long)
        try client.send("GET /f/sub/long.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=10-999999\r\n\r\n")
        _ = try client.read(to: "\r\n\r\n")
        #expect(try Data(client.read(999_990)) == long[10..<1_000_000])
        #expect(try client.ask("GET", "/f/sub/empty").fields["content-length"] == "0")

        for path in [
          "../secret", "%2e%2e/secret", "..%2fsecret", "sub/../../secret", ".hidden", "link", "up/secret", "sub",
          "sub/",
          "none", "a%20b.css/", "a%20b.css/x", "//", "%00", "index.html%00", "sub//empty", "/etc/passwd",
          "./index.html",
        ] {
          #expect(try client.ask("GET", "/f/" + path).status == 404, "\(path)")
        }
      }
    }
  }
}
