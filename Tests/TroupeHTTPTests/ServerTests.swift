import Foundation
import Synchronization
import Testing
import Troupe
import TroupeHTTP
import TroupeNet

@Suite("The HTTP server")
struct ServerTests {
  struct Oops: Error {}

  @Test("An answer has the fields that it needs, and the connection stays open")
  func plain() async throws {
    try await withServer { routes in
      routes.get("/") { _ in .text("hello") }
      routes.get("/books/:id/:page") { request in .text("\(request["id"]) \(request["page"]) \(request["x"])") }
      routes.get("/rest/*path") { request in .text(request["path"]) }
      routes.get("/books/new/:page") { request in .text("new \(request["page"])") }
      routes.get("/none") { _ in Response(.noContent) }
    } _: { server, _ in
      try await onThread {
        let client = try RawClient(port: server.port)
        let answer = try client.ask("GET", "/")
        #expect(answer.status == 200 && answer.body == "hello")
        #expect(answer.fields["content-type"] == "text/plain; charset=utf-8")
        #expect(answer.fields["content-length"] == "5")
        #expect(answer.fields["date"]?.wholeMatch(of: /\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/) != nil)
        #expect(answer.fields["connection"] == nil)
        #expect(try client.ask("GET", "/books/a%20b/2").body == "a b 2 ")
        #expect(try client.ask("GET", "/books/new/2").body == "new 2")
        #expect(try client.ask("GET", "/b%6foks/new/2").body == "new 2")
        #expect(try client.ask("GET", "/rest/a/b/").body == "a/b/")
        #expect(try client.ask("GET", "/rest").status == 404)
        #expect(try client.ask("GET", "/books/%ff/2").status == 404)
        let none = try client.ask("GET", "/none")
        #expect(none.status == 204 && none.fields["content-length"] == nil)
        let head = try client.ask("HEAD", "/")
        #expect(head.status == 200 && head.fields["content-length"] == "5")
        #expect(try client.ask("GET", "/").body == "hello")
      }
    }
  }

  @Test("A method or a path that is not there has the status that fits")
  func missing() async throws {
    try await withServer { routes in
      routes.get("/a") { _ in .text("a") }
      routes.post("/a") { _ in .text("a") }
      routes.on("PURGE", "/b") { _ in .text("b") }
    } _: { server, _ in
      try await onThread {
        let client = try RawClient(port: server.port)
        #expect(try client.ask("GET", "/x").status == 404)
        let put = try client.ask("PUT", "/a", "", "body")
        #expect(put.status == 405 && put.fields["allow"] == "GET, POST, HEAD, OPTIONS")
        let options = try client.ask("OPTIONS", "/a")
        #expect(options.status == 204 && options.fields["allow"] == "GET, POST, HEAD, OPTIONS")
        #expect(try client.ask("PURGE", "/b").status == 200)
        #expect(try client.ask("PURGE", "/a").status == 405)
        #expect(try client.ask("BREW", "/a").status == 501)
      }
    }
  }

  @Test("Requests that come together are answered in order, whatever their handlers take")
  func pipelining() async throws {
    let gate = Gate()
    try await withServer { routes in
      routes.get("/slow") { _ async throws -> Response in
        await gate.wait()
        return .text("slow")
      }
      routes.get("/fast") { _ in .text("fast") }
      routes.get("/stream") { _ in .stream { body in for part in ["a", "b", "c"] { try await body.write(part) } } }
      routes.post("/echo") { request in .text(request.text) }
    } _: { server, _ in
      let client = try await onThread {
        let client = try RawClient(port: server.port)
        func request(_ method: String, _ path: String, _ body: String = "") -> String {
          "\(method) \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        try client.send(
          request("GET", "/fast") + request("GET", "/slow") + request("POST", "/echo", "body")
            + request("GET", "/stream") + request("GET", "/fast"))
        #expect(try client.answer().body == "fast")
        return client
      }
      gate.open()
      try await onThread {
        let bodies = try (0..<4).map { _ in try client.answer().body }
        #expect(bodies == ["slow", "body", "abc", "fast"])
      }
    }
  }

  @Test("A connection is kept or closed as the client wants and its version says")
  func keepAlive() async throws {
    try await withServer { routes in
      routes.get("/") { _ in .text("x") }
      routes.get("/stream") { _ in .stream { try await $0.write("abc") } }
      routes.get("/last") { _ in
        var response = Response.text("x")
        response.closesConnection = true
        return response
      }
    } _: { server, _ in
      try await onThread {
        func all(_ request: String) throws -> String {
          let client = try RawClient(port: server.port)
          try client.send(request)
          return try client.readAll()
        }
        #expect(try all("GET / HTTP/1.0\r\n\r\n").hasSuffix("Connection: close\r\nContent-Length: 1\r\n\r\nx"))
        #expect(try all("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n").contains("Connection: close\r\n"))
        #expect(try all("GET /last HTTP/1.1\r\nHost: a\r\n\r\n").contains("Connection: close\r\n"))
        // HTTP/1.0 has no chunks, so the end of the connection is that of the body.
        let old = try all("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(old.contains("Connection: close\r\n") && old.hasSuffix("\r\n\r\nabc"))
        let kept = try RawClient(port: server.port)
        for _ in 0..<2 {
          try kept.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
          #expect(try kept.answer().fields["connection"] == "keep-alive")
        }
        // A client that ends its side is still answered.
        kept.endOutput()
        #expect(try kept.readAll() == "")
        let half = try RawClient(port: server.port)
        try half.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        half.endOutput()
        #expect(try half.readAll().hasSuffix("\r\n\r\nx"))
      }
    }
  }

  @Test("Bad input is answered, and then the connection ends")
  func badInput() async throws {
    var options = HTTPOptions()
    options.limits.requestLine = 100
    options.limits.headers = 200
    options.limits.body = 1000
    try await withServer(options: options) { routes in
      routes.post("/") { request in .text(request.text) }
    } _: { server, _ in
      try await onThread {
        func status(_ request: String) throws -> String {
          let client = try RawClient(port: server.port)
          try client.send(request)
          let text = try client.readAll()
          #expect(text.contains("Connection: close\r\n"))
          return String(text.dropFirst(9).prefix(3))
        }
        let head = "POST / HTTP/1.1\r\nHost: a\r\n"
        let chunks = String(repeating: "64\r\n" + String(repeating: "x", count: 100) + "\r\n", count: 900)
        let cases = [
          ("\n", "400"), ("POST / HTTP/1.1\r\n\r\n", "400"),
          (head + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", "400"),
          (head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello!", "400"),
          (head + "Content-Length: 1001\r\n\r\n" + String(repeating: "x", count: 1001), "413"),
          (head + "Transfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\n\r\n", "413"),
          ("GET /" + String(repeating: "x", count: 200), "414"),
          (head + "Expect: tea\r\nContent-Length: 1000000\r\n\r\n", "417"),
          (head + "X: " + String(repeating: "x", count: 300), "431"),
          (head + "Transfer-Encoding: gzip\r\n\r\n", "501"), ("POST / HTTP/3.0\r\nHost: a\r\n\r\n", "505"),
        ]
        for (request, answer) in cases {
          let found = try status(request)
          #expect(found == answer, "\(request.prefix(100))")
        }
      }
    }
  }

  @Test("A client that is too slow for a head or a body is told so")
  func slow() async throws {
    var options = HTTPOptions()
    options.headTimeout = .milliseconds(50)
    options.idleTimeout = .milliseconds(400)
    try await withServer(options: options) { routes in
      routes.post("/") { request in .text(request.text) }
      routes.post("/stream") { _, body in .text("\(try await body.collect().count)") }
    } _: { server, _ in
      try await onThread {
        let head = "Host: a\r\nContent-Length: 10\r\n\r\nx"
        for start in ["POST / HT", "POST / HTTP/1.1\r\n\(head)", "POST /stream HTTP/1.1\r\n\(head)"] {
          let client = try RawClient(port: server.port)
          try client.send(start)
          #expect(try client.readAll().hasPrefix("HTTP/1.1 408 "), "\(start)")
        }
        // A connection on which nothing is asked ends without a word.
        #expect(try RawClient(port: server.port).readAll() == "")
      }
    }
  }

  @Test("A body is collected, whatever way it comes, and told to come if the client waits for that")
  func bodies() async throws {
    try await withServer { routes in
      routes.post("/echo") { request in .text(request.text) }
      routes.post("/later") { request async throws -> Response in .text(request.text) }
    } _: { server, _ in
      try await onThread {
        let client = try RawClient(port: server.port)
        #expect(try client.ask("POST", "/echo", "", "hello").body == "hello")
        #expect(try client.ask("POST", "/later", "", "hello").body == "hello")
        #expect(try client.ask("POST", "/echo").body == "")
        try client.send(
          "POST /later HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        #expect(try client.answer().body == "abcde")
        try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n")
        #expect(try client.answer().status == 100)
        try client.send("xyz")
        #expect(try client.answer().body == "xyz")
        // Nobody wants this body, so it is not told to come.
        try client.send("POST /none HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        #expect(try client.readAll().hasPrefix("HTTP/1.1 404 "))
      }
    }
  }

  @Test("A body is read as a stream no faster than the handler asks")
  func demand() async throws {
    let gate = Gate()
    try await withServer { routes in
      routes.post("/size") { _, body in
        await gate.wait()
        var count = 0
        for try await part in body { count += part.count }
        return .text("\(count)")
      }
    } _: { server, _ in
      let total = 256 * 1024 * 1024
      let part = [UInt8](repeating: 7, count: 1024 * 1024)
      let (client, sent) = try await onThread {
        let client = try RawClient(port: server.port)
        try client.send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: \(total)\r\n\r\n")
        var sent = 0
        while sent < total {
          let count = client.sendWithoutWaiting(Array(part.prefix(total - sent)))
          sent += count
          if count == 0 { break }
        }
        return (client, sent)
      }
      // The buffers of the system take some of it.
      #expect(sent < 64 * 1024 * 1024)
      gate.open()
      try await onThread {
        var left = total - sent
        while left > 0 {
          try client.send(Array(part.prefix(left)))
          left -= min(left, part.count)
        }
        #expect(try client.answer().body == "\(total)")
      }
    }
  }

  @Test("A body that its handler does not read does no harm to the next request")
  func unreadBody() async throws {
    try await withServer { routes in
      routes.post("/ignore") { _, _ in .text("done") }
      routes.post("/first") { _, body in
        var iterator = body.makeAsyncIterator()
        return .text("\(try await iterator.next()?.count ?? 0 > 0)")
      }
      routes.get("/") { _ in .text("next") }
    } _: { server, _ in
      try await onThread {
        let client = try RawClient(port: server.port)
        #expect(try client.ask("POST", "/ignore", "", "GET / HTTP/1.1\r\n\r\n").body == "done")
        #expect(try client.ask("GET", "/").body == "next")
        #expect(try client.ask("POST", "/first", "", String(repeating: "x", count: 30_000)).body == "true")
        #expect(try client.ask("GET", "/").body == "next")
        // This one is too long to be thrown away.
        try client.send("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.body == "done" && answer.fields["connection"] == "close")
        #expect(try client.readAll() == "")
      }
    }
  }

  @Test("The body of an answer comes as it is written, and a stream that fails is cut off")
  func streams() async throws {
    let writers = Mutex<[BodyWriter]>([])
    try await withServer { routes in
      routes.get("/long") { _ in
        .stream { body in for _ in 0..<320 { try await body.write([UInt8](repeating: 120, count: 100_000)) } }
      }
      routes.get("/length") { _ in .stream(length: 6) { body in for _ in 0..<3 { try await body.write("ab") } } }
      routes.get("/short") { _ in .stream(length: 6) { try await $0.write("ab") } }
      routes.get("/over") { _ in .stream(length: 6) { try await $0.write("abcdefgh") } }
      routes.get("/fails") { _ in
        .stream { body in
          try await body.write("ab")
          throw Oops()
        }
      }
      routes.get("/late") { _ in
        .stream { body in
          try await body.write("ab")
          writers.withLock { $0.append(body) }
        }
      }
      routes.get("/events") { _ in
        .events { events in
          try await events.comment("hello")
          try await events.send("one\ntwo\r\nthree", event: "ti\nck", id: "7")
          try await events.send("")
        }
      }
    } _: { server, _ in
      try await onThread {
        let client = try RawClient(port: server.port)
        #expect(try client.ask("GET", "/long").body.utf8.count == 32_000_000)
        let answer = try client.ask("GET", "/length")
        #expect(answer.body == "ababab" && answer.fields["transfer-encoding"] == nil)
        #expect(try client.ask("HEAD", "/length").fields["content-length"] == "6")
        #expect(try client.ask("GET", "/late").body == "ab")
        let events = try client.ask("GET", "/events")
        #expect(events.fields["content-type"] == "text/event-stream")
        #expect(
          events.body == ": hello\n\nevent: ti ck\nid: 7\ndata: one\ndata: two\ndata: three\n\ndata: \n\n")
        for path in ["/short", "/over", "/fails"] {
          let client = try RawClient(port: server.port)
          #expect(throws: RawClient.Failure.self) { try client.ask("GET", path) }
        }
      }
      // A writer that outlives its answer writes nothing into the next one.
      let late = try #require(writers.withLock { $0.first })
      await #expect(throws: ClientGone.self) { try await late.write("x") }
    }
  }

  @Test("A handler that throws is answered for, and harms nobody else")
  func failures() async throws {
    let log = Log()
    try await withServer(log: log) { routes in
      routes.get("/throws") { _ in throw Oops() }
      routes.get("/later") { _ async throws -> Response in throw Oops() }
      routes.get("/teapot") { _ in throw HTTPError(Status(418), "a teapot") }
      routes.get("/") { _ in .text("well") }
    } _: { server, _ in
      try await onThread {
        let other = try RawClient(port: server.port)
        #expect(try other.ask("GET", "/").body == "well")
        for path in ["/throws", "/later"] {
          let client = try RawClient(port: server.port)
          let answer = try client.ask("GET", path)
          #expect(answer.status == 500 && answer.fields["connection"] == "close" && !answer.body.contains("Oops"))
          #expect(try client.readAll() == "")
        }
        let teapot = try other.ask("GET", "/teapot")
        #expect(teapot.status == 418 && teapot.body == "a teapot\n")
        #expect(try other.ask("GET", "/").body == "well")
      }
      #expect(log.all.filter { $0.contains("Oops") }.count == 2)
    }
  }

  enum Question: ~Copyable {
    case page(Request, Reply<Response>)
    case forget(Reply<Response>)
  }

  @Test("A route can be handed to an actor")
  func actors() async throws {
    let system = ActorSystem("counter")
    let counter = system.spawn("counter", state: 0) { (count: inout Int, question: consuming Question, _) in
      switch consume question {
      case .page(let request, let reply):
        count += 1
        reply.send(.text("\(request["name"]) \(count)"))
      case .forget(let reply): _ = consume reply
      }
    }
    let gone = system.spawn("gone", state: 0) { (_: inout Int, _: consuming Question, _) in }
    system.stop(gone)
    try await withServer { routes in
      routes.get("/count/:name", asking: counter) { request, reply in .page(request, reply) }
      routes.post("/forget", asking: counter) { _, reply in .forget(reply) }
      routes.get("/gone", asking: gone) { request, reply in .page(request, reply) }
    } _: { server, _ in
      try await onThread {
        let client = try RawClient(port: server.port)
        #expect(try client.ask("GET", "/count/a").body == "a 1")
        #expect(try client.ask("GET", "/count/b").body == "b 2")
        #expect(try client.ask("POST", "/forget", "", "x").status == 500)
        #expect(try client.ask("GET", "/gone").status == 503)
        #expect(try client.ask("GET", "/count/c").body == "c 3")
      }
    }
    await system.shutdown()
  }

  @Test("A server that stops answers what is under way")
  func stop() async throws {
    let (begun, gate) = (Gate(), Gate())
    try await withServer { routes in
      routes.get("/slow") { _ async throws -> Response in
        begun.open()
        await gate.wait()
        return .text("slow")
      }
    } _: { server, system in
      async let answer = onThread { try RawClient(port: server.port).ask("GET", "/slow") }
      await begun.wait()
      async let stopped: Void = server.stop(within: .seconds(20))
      gate.open()
      let body = try await answer.body
      #expect(body == "slow")
      await stopped
      #expect(server.connectionCount == 0)
    }
  }
}
