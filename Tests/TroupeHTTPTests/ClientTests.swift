import Foundation
import Testing
import Troupe
import TroupeHTTP
import TroupeNet

/// Programs and libraries that others have written talk to the server. A test whose program is not installed is not
/// run, so `.ci/run` installs them.
@Suite("Real clients")
struct ClientTests {
  static func isInstalled(_ program: String, _ arguments: [String]) async -> Bool {
    (try? await output(of: program, arguments))?.code == 0
  }

  static func routes(_ routes: inout Routes) {
    routes.get("/") { _ in .text("hello") }
    routes.post("/size") { _, body in
      var count = 0
      for try await part in body { count += part.count }
      return .text("\(count)")
    }
    routes.post("/echo") { request in .bytes(request.body) }
    routes.get("/stream") { _ in
      .stream { body in for index in 0..<1000 { try await body.write("line \(index)\n") } }
    }
    routes.webSocket("/socket") { socket in
      for try await message in socket.messages { await socket.deliver(message) }
    }
  }

  @Test("curl", .enabled { await isInstalled("curl", ["--version"]) })
  func curl() async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("troupe-\(UUID().uuidString)")
    try Data(repeating: 120, count: 5_000_000).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    try await withServer(Self.routes) { server, _ in
      let url = "http://127.0.0.1:\(server.port)"
      let lines = (0..<1000).map { "line \($0)\n" }.joined()
      let calls: [(arguments: [String], text: String)] = [
        ([url, url + "/", url], "hellohellohello"),
        (["-d", "a=b", url + "/echo"], "a=b"),
        (["--data-binary", "@\(file.path)", url + "/size"], "5000000"),
        (["-T", file.path, "-X", "POST", "-H", "Transfer-Encoding: chunked", url + "/size"], "5000000"),
        (["-H", "Expect: 100-continue", "-d", "x", url + "/echo"], "x"),
        ([url + "/stream"], lines),
        (["-0", url + "/stream"], lines),
        (["-o", "/dev/null", "-w", "%{http_code}", url + "/none"], "404"),
        (["-I", "-o", "/dev/null", "-w", "%{http_code} %{content_type}", url], "200 text/plain; charset=utf-8"),
      ]
      for call in calls {
        let result = try await output(of: "curl", ["-sS", "--max-time", "60"] + call.arguments)
        #expect(result?.text == call.text, "\(call.arguments)")
      }
    }
  }

  @Test("ab, which many connections at a time are kept open for", .enabled { await isInstalled("ab", ["-V"]) })
  func ab() async throws {
    try await withServer(Self.routes) { server, _ in
      for keepsAlive in [true, false] {
        let arguments = (keepsAlive ? ["-k"] : []) + ["-n", "2000", "-c", "20", "http://127.0.0.1:\(server.port)/"]
        let result = try #require(try await output(of: "ab", arguments))
        #expect(result.code == 0)
        let words = result.text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(words.contains("Complete requests: 2000") && words.contains("Failed requests: 0"), "\(result.text)")
        #expect(!result.text.contains("Non-2xx"), "\(result.text)")
        if keepsAlive { #expect(words.contains("Keep-Alive requests: 2000"), "\(result.text)") }
      }
    }
  }

  @Test("Python's http.client", .enabled { await isInstalled("python3", ["-c", "import http.client"]) })
  func python() async throws {
    try await withServer(Self.routes) { server, _ in
      let script = """
        import http.client
        c = http.client.HTTPConnection("127.0.0.1", \(server.port), timeout=60)
        def ask(*a, **k):
            c.request(*a, **k)
            r = c.getresponse()
            return r.status, r.read()
        for _ in range(100):
            assert ask("GET", "/") == (200, b"hello")
        assert ask("HEAD", "/") == (200, b"")
        assert ask("POST", "/echo", body=b"x" * 100000) == (200, b"x" * 100000)
        assert ask("POST", "/size", body=iter([b"abc"] * 1000), encode_chunked=True) == (200, b"3000")
        assert ask("GET", "/stream")[1].count(b"\\n") == 1000
        assert ask("PUT", "/")[0] == 405
        assert ask("GET", "/")[1] == b"hello"
        print("ok")
        """
      let result = try #require(try await output(of: "python3", ["-c", script]))
      #expect(result.text == "ok\n")
    }
  }

  @Test("Python's websockets", .enabled { await isInstalled("python3", ["-c", "import websockets"]) })
  func websockets() async throws {
    try await withServer(Self.routes) { server, _ in
      let script = """
        import asyncio, websockets
        async def main():
            async with websockets.connect("ws://127.0.0.1:\(server.port)/socket") as s:
                for text in ["", "x", "\\u20ac" * 100, "y" * 70000]:
                    await s.send(text)
                    assert await s.recv() == text
                await s.send(bytes(range(256)) * 1000)
                assert await s.recv() == bytes(range(256)) * 1000
                await s.send(["a", "b", "c"])
                assert await s.recv() == "abc"
                await (await s.ping())
            assert s.close_code == 1000, s.close_code
        asyncio.run(main())
        print("ok")
        """
      let result = try #require(try await output(of: "python3", ["-c", script]))
      #expect(result.text == "ok\n")
    }
  }

  @Test(
    "Python's websockets is told that the server goes away", .enabled { await isInstalled("python3", websocketsCheck) },
    arguments: [false, true])
  func goingAway(isShutdown: Bool) async throws {
    let (begun, gate) = (Gate(), Gate())
    try await withServer { routes in
      routes.webSocket("/socket") { socket in
        for try await message in socket.messages {
          if message == .text("second") {
            begun.open()
            await gate.wait()
          }
          await socket.deliver(message)
        }
      }
    } _: { server, system in
      let script = """
        import asyncio, websockets
        async def main():
            async with websockets.connect("ws://127.0.0.1:\(server.port)/socket") as s:
                await s.send("first")
                await s.send("second")
                try:
                    while True:
                        print(await s.recv())
                except websockets.ConnectionClosed:
                    print(s.close_code)
        asyncio.run(main())
        """
      let client = Task {
        // A client that fails sends nothing that this test could wait for.
        defer { begun.open() }
        return try await output(of: "python3", ["-c", script])
      }
      await begun.wait()
      // The second message is under way.
      async let ended: Void = {
        if isShutdown { _ = await system.shutdown() } else { await server.stop(within: .seconds(60)) }
      }()
      gate.open()
      let text = try await client.value?.text
      #expect(text == "first\nsecond\n1001\n", "\(text ?? "")")
      await ended
      #expect(server.connectionCount == 0)
    }
  }

  static let websocketsCheck = ["-c", "import websockets"]
}
